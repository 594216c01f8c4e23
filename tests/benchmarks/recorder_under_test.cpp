// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recorder_under_test.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <vector>

namespace bench {
namespace {

class PipelineRecorder final : public RecorderUnderTest {
 public:
  explicit PipelineRecorder(const std::string& line) {
    GError* error = nullptr;
    pipeline_.reset(gst_parse_launch(line.c_str(), &error));
    if (error) std::fprintf(stderr, "%s\n", error->message);
    g_clear_error(&error);
    if (!pipeline_) return;
    if (GST_IS_BIN(pipeline_.get()))
      muxer_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "recorder"));
    else
      muxer_.reset(GST_ELEMENT(gst_object_ref(pipeline_.get())));
    if (muxer_.get() == pipeline_.get()) {
      pipeline_.reset(gst_pipeline_new(nullptr));
      gst_bin_add(GST_BIN(pipeline_.get()), GST_ELEMENT(gst_object_ref(muxer_.get())));
    }
  }
  ~PipelineRecorder() override {
    if (!pipeline_) return;
    gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
    for (const auto& pad : pads_) gst_element_release_request_pad(muxer_.get(), pad.get());
  }

  bool is_made() const { return pipeline_ != nullptr; }

  GstPad* pad(TrackMedia::Kind kind) override {
    pads_.emplace_back(gst_element_request_pad_simple(
        muxer_.get(), kind == TrackMedia::Kind::kVideo ? "video_%u" : "audio_%u"));
    return pads_.back().get();
  }

  void play() override { gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING); }

  bool wait_until_finished() override {
    const Owned<GstBus> bus(gst_element_get_bus(pipeline_.get()));
    const Owned<GstMessage> message(gst_bus_timed_pop_filtered(
        bus.get(), GST_CLOCK_TIME_NONE,
        static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING)));
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) return true;
    gst_println("%" GST_PTR_FORMAT, static_cast<void*>(message.get()));
    return false;
  }

  uint64_t fragments() override {
    GstStructure* stats = nullptr;
    if (!g_object_class_find_property(G_OBJECT_GET_CLASS(muxer_.get()), "stats")) return 0;
    g_object_get(muxer_.get(), "stats", &stats, nullptr);
    const Owned<GstStructure> owned(stats);
    guint64 fragments = 0;
    if (stats) gst_structure_get_uint64(stats, "fragments", &fragments);
    return fragments;
  }

 private:
  Owned<GstElement> pipeline_, muxer_;
  std::vector<Owned<GstPad>> pads_;
};

// Pads without an element.
class Floor final : public RecorderUnderTest {
 public:
  explicit Floor(const std::string& path) : piece_(path.empty() ? 0 : kPiece) {
    if (!path.empty()) file_ = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  }
  ~Floor() override {
    for (const auto& input : inputs_) gst_pad_set_active(input->pad.get(), FALSE);
    if (file_ >= 0) close(file_);
  }

  GstPad* pad(TrackMedia::Kind) override {
    Input& input = *inputs_.emplace_back(new Input{*this});
    input.pad.reset(GST_PAD(gst_object_ref_sink(gst_pad_new(nullptr, GST_PAD_SINK))));
    GST_PAD_ELEMENT_PRIVATE(input.pad.get()) = &input;
    gst_pad_set_chain_function(input.pad.get(), take);
    gst_pad_set_event_function(input.pad.get(), ignore);
    gst_pad_set_active(input.pad.get(), TRUE);
    return input.pad.get();
  }
  void play() override {}
  bool wait_until_finished() override {
    for (const auto& input : inputs_) write(input->waiting);
    return true;
  }

 private:
  static constexpr std::size_t kPiece = std::size_t{1} << 20;

  struct Input {
    Floor& floor;
    Owned<GstPad> pad;
    std::size_t waiting = 0;
  };

  static GstFlowReturn take(GstPad* pad, GstObject*, GstBuffer* buffer) {
    Input& input = *static_cast<Input*>(GST_PAD_ELEMENT_PRIVATE(pad));
    if (input.floor.file_ >= 0) {
      input.waiting += gst_buffer_get_size(buffer);
      for (; input.waiting >= kPiece; input.waiting -= kPiece) input.floor.write(kPiece);
    }
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  static gboolean ignore(GstPad*, GstObject*, GstEvent* event) {
    gst_event_unref(event);
    return TRUE;
  }
  void write(std::size_t bytes) {
    if (file_ < 0 || bytes == 0) return;
    const auto offset = static_cast<off_t>(end_.fetch_add(bytes));
    if (pwrite(file_, piece_.data(), bytes, offset) < 0) std::perror("pwrite");
  }

  std::vector<char> piece_;
  int file_ = -1;
  std::atomic<std::size_t> end_{0};
  std::vector<std::unique_ptr<Input>> inputs_;
};

}  // namespace

std::unique_ptr<RecorderUnderTest> make_recorder(const std::string& name, const std::string& path) {
  const std::string to_file = " name=recorder ! filesink location=" + path;
  if (name == "null") return std::make_unique<Floor>("");
  if (name == "limit") return std::make_unique<Floor>(path);
  std::string line;
  if (name == "trailingmp4sink") line = "trailingmp4sink name=recorder location=" + path;
  if (name == "mp4mux-fragments")
    line = "mp4mux fragment-duration=1000 fragment-mode=first-moov-then-finalise" + to_file;
  if (name == "mp4mux" || name == "qtmux") line = name + to_file;
  auto recorder = std::make_unique<PipelineRecorder>(line);
  if (recorder->is_made()) return recorder;
  return nullptr;
}

}  // namespace bench
