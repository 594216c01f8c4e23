// SPDX-License-Identifier: LGPL-2.1-or-later
#include "file_readers.h"

#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/pbutils/pbutils.h>

#include <algorithm>
#include <cmath>

#include "box_reader.h"
#include "child_process.h"
#include "file_bytes.h"
#include "libav_reader.h"
#include "pad_log.h"
#include "recording_pipeline.h"

namespace pipelines {
namespace {

constexpr GstClockTime kLimit = 30 * GST_SECOND;

void play_to_end(GstElement* pipeline) {
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  constexpr auto kTypes = static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr(GstMessage) message = gst_bus_timed_pop_filtered(bus, kLimit, kTypes);
  gst_element_set_state(pipeline, GST_STATE_NULL);
}

/// Gives every pad of the demuxer a sink of its own, which nothing waits for.
void add_sink(GstElement* demuxer, GstPad* pad, gpointer log) {
  static_cast<PadLog*>(log)->watch(pad);
  GstElement* sink = gst_element_factory_make("fakesink", nullptr);
  g_object_set(sink, "sync", FALSE, "async", FALSE, nullptr);
  const Owned<GstObject> pipeline(gst_element_get_parent(demuxer));
  gst_bin_add(GST_BIN(pipeline.get()), sink);
  gst_element_sync_state_with_parent(sink);
  const Owned<GstPad> input(gst_element_get_static_pad(sink, "sink"));
  gst_pad_link(pad, input.get());
}

/// What arrives at the sink called "out".
std::vector<Bytes> pictures(GstElement* pipeline, const MediaTrack* fed) {
  PadLog log;
  const Owned<GstElement> out(gst_bin_get_by_name(GST_BIN(pipeline), "out"));
  log.watch_sink_pads(out.get());
  if (fed != nullptr) {
    const Owned<GstElement> in(gst_bin_get_by_name(GST_BIN(pipeline), "in"));
    for (const MediaSample& sample : fed->samples) {
      GstBuffer* buffer = gst_buffer_new_memdup(sample.bytes.data(), sample.size);
      GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(sample.pts_ns.value_or(0));
      gst_app_src_push_buffer(GST_APP_SRC(in.get()), buffer);
    }
    gst_app_src_end_of_stream(GST_APP_SRC(in.get()));
  }
  play_to_end(pipeline);
  std::vector<Bytes> pictures;
  for (MediaTrack& track : log.tracks())
    for (MediaSample& sample : track.samples) pictures.push_back(std::move(sample.bytes));
  return pictures;
}

std::string discoverer_complaint(const std::string& path) {
  g_autoptr(GError) error = nullptr;
  const Owned<GstDiscoverer> discoverer(gst_discoverer_new(kLimit, &error));
  g_autofree char* uri = gst_filename_to_uri(path.c_str(), nullptr);
  const Owned<GstDiscovererInfo> info(gst_discoverer_discover_uri(discoverer.get(), uri, &error));
  if (error != nullptr) return std::string("discoverer: ") + error->message;
  if (info == nullptr || gst_discoverer_info_get_result(info.get()) != GST_DISCOVERER_OK)
    return "discoverer: not OK";
  const GstClockTime duration = gst_discoverer_info_get_duration(info.get());
  if (!GST_CLOCK_TIME_IS_VALID(duration) || duration == 0) return "discoverer: no duration";
  return {};
}

}  // namespace

MediaTracks read_with_boxes(const std::string& path) {
  const auto movie = boxes::read_movie(path);
  MediaTracks tracks;
  if (!movie) return tracks;
  for (const boxes::Track& from : movie->tracks) {
    MediaTrack track{.video = from.handler == "vide"};
    for (const boxes::Sample& sample : from.samples) {
      const int64_t pts = boxes::presentation_ns(*movie, from, sample);
      const double lag = static_cast<double>(sample.pts - sample.dts) * 1e9 / from.timescale;
      track.samples.push_back({.bytes = boxes::read_sample(path, sample),
                               .size = sample.size,
                               .pts_ns = pts,
                               .dts_ns = pts - std::llround(lag),
                               .key = sample.sync});
    }
    tracks.push_back(std::move(track));
  }
  return tracks;
}

MediaTracks read_with_qtdemux(const std::string& path) {
  PadLog log;
  const Owned<GstElement> pipeline(
      gst_parse_launch(("filesrc location=" + path + " ! qtdemux name=demuxer").c_str(), nullptr));
  const Owned<GstElement> demuxer(gst_bin_get_by_name(GST_BIN(pipeline.get()), "demuxer"));
  g_signal_connect(demuxer.get(), "pad-added", G_CALLBACK(add_sink), &log);
  play_to_end(pipeline.get());
  return log.tracks();
}

MediaTracks read_with_libav(const std::string& path) {
  MediaTracks tracks;
  for (libav::Stream& stream : libav::read_file(path, libav::Heard::kErrors).streams) {
    MediaTrack track{.video = stream.video};
    for (libav::Packet& packet : stream.packets) {
      const size_t size = packet.bytes.size();
      track.samples.push_back({.bytes = std::move(packet.bytes),
                               .size = size,
                               .pts_ns = packet.pts_ns,
                               .dts_ns = packet.dts_ns,
                               .key = packet.key});
    }
    if (!track.samples.empty()) tracks.push_back(std::move(track));
  }
  return tracks;
}

std::vector<std::string> box_problems(const std::string& path) {
  const auto movie = boxes::read_movie(path);
  if (!movie) return {"there is no readable moov"};
  std::vector<std::string> problems = movie->problems;
  for (std::string& problem : boxes::avc_sample_problems(path, *movie))
    problems.push_back(std::move(problem));
  return problems;
}

std::vector<std::string> player_complaints(const std::string& path) {
  std::vector<std::string> complaints;
  const std::string log = libav::decode_file(path, libav::Heard::kWarnings).log;
  if (!log.empty()) complaints.push_back("libav: " + log);
  const std::string discoverer = discoverer_complaint(path);
  if (!discoverer.empty()) complaints.push_back(discoverer);
  return complaints;
}

std::vector<std::string> faults(const std::string& path, const MediaTracks& pushed) {
  std::vector<std::string> all = box_problems(path);
  const std::pair<const char*, MediaTracks> views[] = {{"box reader: ", read_with_boxes(path)},
                                                       {"qtdemux: ", read_with_qtdemux(path)},
                                                       {"libav: ", read_with_libav(path)}};
  for (const auto& [reader, tracks] : views)
    for (const std::string& line : differences(pushed, tracks)) all.push_back(reader + line);
  return all;
}

std::vector<Bytes> decode_file(const std::string& path) {
  const Owned<GstElement> pipeline(gst_parse_launch(
      ("filesrc location=" + path +
       " ! qtdemux name=d d.video_0 ! parsebin ! decodebin ! fakesink name=out sync=false")
          .c_str(),
      nullptr));
  return pictures(pipeline.get(), nullptr);
}

std::vector<Bytes> decode_stream(const std::string& path) {
  const Owned<GstElement> pipeline(gst_parse_launch(
      ("filesrc location=" + path + " ! parsebin ! decodebin ! fakesink name=out sync=false")
          .c_str(),
      nullptr));
  return pictures(pipeline.get(), nullptr);
}

std::vector<Bytes> decode_file(const std::string& path, const std::string& decoder) {
  const Owned<GstElement> pipeline(gst_parse_launch(
      ("filesrc location=" + path + " ! qtdemux ! " + decoder + " ! fakesink name=out sync=false")
          .c_str(),
      nullptr));
  return pictures(pipeline.get(), nullptr);
}

std::string codec_name(const std::string& path, std::size_t track) {
  const libav::File file = libav::read_file(path, libav::Heard::kErrors);
  return file.streams.size() <= track ? std::string() : file.streams[track].codec;
}

std::vector<Bytes> decode_samples(const MediaTrack& track) {
  return decode_samples(track, "h264parse ! avdec_h264");
}

std::vector<Bytes> decode_samples(const MediaTrack& track, const std::string& decoder) {
  const Owned<GstElement> pipeline(gst_parse_launch(
      ("appsrc name=in format=time max-bytes=0 ! " + decoder + " ! fakesink name=out sync=false")
          .c_str(),
      nullptr));
  const Owned<GstElement> in(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in"));
  g_autoptr(GstCaps) caps = gst_caps_from_string(track.caps.c_str());
  g_object_set(in.get(), "caps", caps, nullptr);
  return pictures(pipeline.get(), &track);
}

std::string as_killed(const std::string& path) {
  boxes::Bytes bytes = boxes::load_file(path);
  constexpr size_t kMdatSize = 40;  // of an empty mdat
  boxes::put_number(bytes, kMdatSize, 16, 8);
  std::string killed = path + ".killed.mp4";
  if (!boxes::store_file(killed, bytes)) return {};
  return killed;
}

std::vector<std::string> readable_states(const std::string& path) {
  if (!fragments_are_on()) return {path};
  return {path, as_killed(path)};
}

// Without the moov that the recorder has hidden behind its fragments, which would be taken as it
// is.
std::string as_finalized(const std::string& path, std::string& complaint) {
  constexpr size_t kMdat = 32, kMdatSize = 40, kHeader = 8;
  boxes::Bytes bytes = boxes::load_file(path);
  const size_t end = kMdat + boxes::get_number(bytes, kMdatSize, 8);
  boxes::put_number(bytes, kMdatSize, 16, 8);
  bytes.resize(std::min(bytes.size(), end - kHeader));
  const std::string finalized = path + ".finalized.mp4";
  if (!boxes::store_file(finalized, bytes)) return {};
  const Outcome outcome = run("'" FINALIZE "' --quiet '" + finalized + "'");
  if (outcome.status != 0 || !outcome.output.empty()) complaint = "finalize: " + outcome.output;
  return finalized;
}

}  // namespace pipelines
