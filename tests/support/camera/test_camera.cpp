// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The camera's insides: the launch line of its media, probes that keep the truth, and the server's
// life. The server, its clients and its sessions live in one thread with its own main context (the
// thread pool is told to start none for clients), so that closing them there is free of races.

#include "test_camera.h"

#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <future>
#include <mutex>
#include <numeric>
#include <random>
#include <string_view>
#include <thread>
#include <utility>

namespace camera {
namespace {

constexpr char kPath[] = "/stream";
constexpr char kRole[] = "viewer";
constexpr auto kTeardownLimit = std::chrono::seconds(5);

struct GObjectUnref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, GObjectUnref>;

struct MainContextUnref {
  void operator()(GMainContext* context) const { g_main_context_unref(context); }
};
struct MainLoopUnref {
  void operator()(GMainLoop* loop) const { g_main_loop_unref(loop); }
};
struct SourceDestroy {
  void operator()(GSource* source) const {
    g_source_destroy(source);
    g_source_unref(source);
  }
};

/// The truth and the number of media alive, shared with signal handlers and probes, which may
/// outlive the camera. The mutex is never held over a call into GStreamer.
class Log {
 public:
  void add(std::vector<AccessUnit> Truth::*media, AccessUnit unit) {
    std::lock_guard lock(mutex_);
    (truth_.*media).push_back(std::move(unit));
  }
  Truth truth() const {
    std::lock_guard lock(mutex_);
    return truth_;
  }
  int begin_take() {
    std::lock_guard lock(mutex_);
    ++media_alive_;
    return takes_++;
  }
  void end_take() {
    std::lock_guard lock(mutex_);
    --media_alive_;
    media_gone_.notify_all();
  }
  void count_play() {
    std::lock_guard lock(mutex_);
    ++plays_;
  }
  int plays() const {
    std::lock_guard lock(mutex_);
    return plays_;
  }
  bool wait_until_no_media() {
    std::unique_lock lock(mutex_);
    return media_gone_.wait_for(lock, kTeardownLimit, [this] { return media_alive_ == 0; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable media_gone_;
  Truth truth_;
  int takes_ = 0;
  int plays_ = 0;
  int media_alive_ = 0;
};

/// What a GObject callback needs; one copy per closure, deleted with it.
struct Probe {
  std::shared_ptr<Log> log;
  std::vector<AccessUnit> Truth::*media;
  int take;
  bool has_nal_units = false;
};

/// The NAL units of a byte stream (Annex B). Zero bytes before a start code are not part of a unit.
std::vector<Bytes> split_byte_stream(const uint8_t* data, size_t size) {
  constexpr std::string_view kStartCode("\0\0\1", 3);
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  std::vector<Bytes> units;
  size_t begin = stream.find(kStartCode);
  while (begin != std::string_view::npos) {
    begin += kStartCode.size();
    const size_t next = stream.find(kStartCode, begin);
    std::string_view unit = stream.substr(begin, next == stream.npos ? next : next - begin);
    unit = unit.substr(0, unit.find_last_not_of('\0') + 1);
    units.emplace_back(unit.begin(), unit.end());
    begin = next;
  }
  return units;
}

bool is_idr(const Bytes& nal) {
  constexpr uint8_t kTypeMask = 0x1f;
  constexpr uint8_t kIdr = 5;
  return !nal.empty() && (nal[0] & kTypeMask) == kIdr;
}

uint64_t running_time(GstPad* pad, GstBuffer* buffer) {
  g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  const GstSegment* segment = nullptr;
  if (event == nullptr) return GST_CLOCK_TIME_NONE;
  gst_event_parse_segment(event, &segment);
  return gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
}

void note_buffer(const Probe& probe, GstPad* pad, GstBuffer* buffer) {
  AccessUnit unit{.pts_ns = running_time(pad, buffer), .take = probe.take};
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return;
  if (probe.has_nal_units) {
    unit.units = split_byte_stream(map.data, map.size);
    for (const Bytes& nal : unit.units) unit.keyframe |= is_idr(nal);
  } else {
    unit.units.emplace_back(map.data, map.data + map.size);
    unit.keyframe = true;
  }
  gst_buffer_unmap(buffer, &map);
  probe.log->add(probe.media, std::move(unit));
}

GstPadProbeReturn on_payloader_input(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  note_buffer(*static_cast<Probe*>(data), pad, gst_pad_probe_info_get_buffer(info));
  return GST_PAD_PROBE_OK;
}

/// The encoders push single buffers, never lists.
void watch_payloader(GstBin* bin, const char* name, Probe probe) {
  Owned<GstElement> payloader(gst_bin_get_by_name(bin, name));
  if (payloader == nullptr) return;
  Owned<GstPad> pad(gst_element_get_static_pad(payloader.get(), "sink"));
  gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, on_payloader_input,
                    new Probe(std::move(probe)),
                    [](gpointer data) { delete static_cast<Probe*>(data); });
}

/// Which packets of one stream never leave the camera.
struct Loss {
  int percent;
  std::mt19937 random{1};
  bool is_first = true;
  bool takes_next() {
    const bool drawn = static_cast<int>(random() % 100) < percent;
    return !std::exchange(is_first, false) && drawn;
  }
};

GstPadProbeReturn on_payloader_output(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto* loss = static_cast<Loss*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER)
    return loss->takes_next() ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
  GstBufferList* list = gst_buffer_list_make_writable(gst_pad_probe_info_get_buffer_list(info));
  for (guint i = gst_buffer_list_length(list); i-- > 0;)
    if (loss->takes_next()) gst_buffer_list_remove(list, i, 1);
  GST_PAD_PROBE_INFO_DATA(info) = list;
  return GST_PAD_PROBE_OK;
}

void lose_packets(GstBin* bin, const char* name, int percent) {
  Owned<GstElement> payloader(gst_bin_get_by_name(bin, name));
  if (payloader == nullptr || percent == 0) return;
  Owned<GstPad> pad(gst_element_get_static_pad(payloader.get(), "src"));
  constexpr auto kTypes =
      GstPadProbeType(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST);
  gst_pad_add_probe(pad.get(), kTypes, on_payloader_output, new Loss{percent},
                    [](gpointer data) { delete static_cast<Loss*>(data); });
}

using LogRef = std::shared_ptr<Log>;

void delete_log_ref(gpointer data, GClosure*) { delete static_cast<LogRef*>(data); }

void on_media_unprepared(GstRTSPMedia*, gpointer data) {
  (*static_cast<LogRef*>(data))->end_take();
}

void on_play(GstRTSPClient*, GstRTSPContext*, gpointer data) {
  (*static_cast<LogRef*>(data))->count_play();
}

void count_plays(GstRTSPServer*, GstRTSPClient* client, gpointer data) {
  g_signal_connect_data(client, "play-request", G_CALLBACK(on_play),
                        new LogRef(*static_cast<LogRef*>(data)), delete_log_ref, GConnectFlags(0));
}

/// What the handler of new media needs.
struct MediaSetup {
  LogRef log;
  int loss_percent;
  bool has_nal_units;
};

void on_media_configure(GstRTSPMediaFactory*, GstRTSPMedia* media, gpointer data) {
  const auto& [log, loss_percent, has_nal_units] = *static_cast<MediaSetup*>(data);
  const int take = log->begin_take();
  g_signal_connect_data(media, "unprepared", G_CALLBACK(on_media_unprepared), new LogRef(log),
                        delete_log_ref, GConnectFlags(0));
  Owned<GstElement> bin(gst_rtsp_media_get_element(media));
  watch_payloader(GST_BIN(bin.get()), "pay0", {log, &Truth::video, take, has_nal_units});
  watch_payloader(GST_BIN(bin.get()), "pay1", {log, &Truth::audio, take});
  for (const char* name : {"pay0", "pay1"}) lose_packets(GST_BIN(bin.get()), name, loss_percent);
}

/// One IDR each `gop` pictures and nowhere else, one encoder thread, so that `slices` holds.
std::string video_branch(const Options& o) {
  const int gop = o.gop > 0 ? o.gop : (o.fps_n + o.fps_d - 1) / o.fps_d;
  g_autofree char* tuning =
      o.b_frames == 0 ? g_strdup("tune=zerolatency")
                      : g_strdup_printf("bframes=%d b-adapt=false rc-lookahead=%d sync-lookahead=0",
                                        o.b_frames, o.b_frames + 1);
  g_autofree char* branch = g_strdup_printf(
      "videotestsrc is-live=true pattern=ball num-buffers=%d"
      " ! video/x-raw,format=I420,width=%d,height=%d,framerate=%d/%d"
      " ! x264enc speed-preset=superfast threads=1 bitrate=%d key-int-max=%d aud=false %s"
      " option-string=\"scenecut=0:slices=%d\""
      " ! video/x-h264,stream-format=byte-stream,alignment=au"
      " ! rtph264pay name=pay0 pt=96 config-interval=-1 aggregate-mode=%s",
      o.pictures > 0 ? o.pictures : -1, o.width, o.height, o.fps_n, o.fps_d, o.bitrate_kbps, gop,
      tuning, o.slices, o.aggregate ? "zero-latency" : "none");
  return branch;
}

/// One row each: its name, and what encodes it and makes packets of it.
struct Codec {
  const char* name;
  const char* branch;
};

constexpr Codec kPictures[] = {
    {"h265",
     "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=25"
     " option-string=log-level=0 ! h265parse ! rtph265pay name=pay0 pt=96"
     " config-interval=-1"},
    {"jpeg", "jpegenc ! rtpjpegpay name=pay0 pt=26"},
    {"vp8", "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=25 ! rtpvp8pay name=pay0 pt=96"},
    {"vp9", "vp9enc deadline=1 cpu-used=8 keyframe-max-dist=25 ! rtpvp9pay name=pay0 pt=96"},
};

/// The tone's frequency is odd enough that no frame equals another.
#define TONE(samples) \
  "audiotestsrc is-live=true samplesperbuffer=" samples " wave=sine freq=443.21 volume=0.3 ! "
constexpr Codec kSounds[] = {
    {"aac", TONE("1024") "audio/x-raw,format=F32LE,rate=48000,channels=2"
                         " ! avenc_aac bitrate=96000 ! rtpmp4gpay name=pay1 pt=97"},
    {"latm", TONE("1024") "audio/x-raw,format=F32LE,rate=48000,channels=2"
                          " ! avenc_aac bitrate=96000 ! aacparse ! rtpmp4apay name=pay1 pt=97"},
    {"opus",
     TONE("960") "audio/x-raw,rate=48000,channels=2 ! opusenc ! rtpopuspay name=pay1 pt=97"},
    {"pcma", TONE("160") "audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8"},
    {"pcmu", TONE("160") "audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay name=pay1 pt=0"},
    {"l16", TONE("441") "audio/x-raw,format=S16BE,rate=44100,channels=2"
                        " ! rtpL16pay name=pay1 pt=97"},
    {"speex", TONE("160") "audio/x-raw,rate=8000,channels=1 ! speexenc"
                          " ! rtpspeexpay name=pay1 pt=97"},
    {"g726", TONE("160") "audio/x-raw,rate=8000,channels=1 ! avenc_g726"
                         " ! rtpg726pay name=pay1 pt=97"},
};
#undef TONE

template <size_t N>
std::string branch_of(const Codec (&codecs)[N], const std::string& name) {
  for (const Codec& codec : codecs)
    if (name == codec.name) return codec.branch;
  return {};
}

std::string pictures_branch(const Options& o) {
  if (o.video_codec == "h264") return video_branch(o);
  g_autofree char* source = g_strdup_printf(
      "videotestsrc is-live=true pattern=ball num-buffers=%d"
      " ! video/x-raw,format=I420,width=%d,height=%d,framerate=%d/%d ! ",
      o.pictures > 0 ? o.pictures : -1, o.width, o.height, o.fps_n, o.fps_d);
  return source + branch_of(kPictures, o.video_codec);
}

/// Keeps the server's UDP sockets on 127.0.0.1 too; by itself it would bind them to all addresses.
Owned<GstRTSPAddressPool> loopback_address_pool() {
  constexpr guint16 kFirstPort = 20000;
  constexpr guint16 kLastPort = 29999;
  Owned<GstRTSPAddressPool> pool(gst_rtsp_address_pool_new());
  gst_rtsp_address_pool_add_range(pool.get(), "127.0.0.1", "127.0.0.1", kFirstPort, kLastPort, 0);
  return pool;
}

Owned<GstRTSPMediaFactory> make_factory(const Options& options, const LogRef& log) {
  Owned<GstRTSPMediaFactory> factory(gst_rtsp_media_factory_new());
  std::string launch = "( " + pictures_branch(options);
  if (options.audio) launch += "  " + branch_of(kSounds, options.audio_codec);
  launch += " )";
  gst_rtsp_media_factory_set_launch(factory.get(), launch.c_str());
  gst_rtsp_media_factory_set_shared(factory.get(), TRUE);
  gst_rtsp_media_factory_set_protocols(
      factory.get(),
      static_cast<GstRTSPLowerTrans>(GST_RTSP_LOWER_TRANS_UDP | GST_RTSP_LOWER_TRANS_TCP));
  gst_rtsp_media_factory_set_address_pool(factory.get(), loopback_address_pool().get());
  gst_rtsp_media_factory_add_role(factory.get(), kRole, GST_RTSP_PERM_MEDIA_FACTORY_ACCESS,
                                  G_TYPE_BOOLEAN, TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
                                  G_TYPE_BOOLEAN, TRUE, nullptr);
  g_signal_connect_data(
      factory.get(), "media-configure", G_CALLBACK(on_media_configure),
      new MediaSetup{log, options.loss_percent, options.video_codec == "h264"},
      [](gpointer data, GClosure*) { delete static_cast<MediaSetup*>(data); }, GConnectFlags(0));
  return factory;
}

Owned<GstRTSPAuth> make_digest_auth(const Options& options) {
  Owned<GstRTSPAuth> auth(gst_rtsp_auth_new());
  g_autoptr(GstRTSPToken) token =
      gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, kRole, nullptr);
  gst_rtsp_auth_set_supported_methods(auth.get(), GST_RTSP_AUTH_DIGEST);
  gst_rtsp_auth_add_digest(auth.get(), options.user.c_str(), options.password.c_str(), token);
  return auth;
}

Owned<GstRTSPServer> make_server(const Options& options, const LogRef& log) {
  Owned<GstRTSPServer> server(gst_rtsp_server_new());
  gst_rtsp_server_set_address(server.get(), "127.0.0.1");
  gst_rtsp_server_set_service(server.get(), std::to_string(options.port).c_str());
  Owned<GstRTSPThreadPool> threads(gst_rtsp_server_get_thread_pool(server.get()));
  gst_rtsp_thread_pool_set_max_threads(threads.get(), 0);
  Owned<GstRTSPMountPoints> mounts(gst_rtsp_server_get_mount_points(server.get()));
  gst_rtsp_mount_points_add_factory(mounts.get(), kPath, make_factory(options, log).release());
  if (!options.user.empty()) {
    gst_rtsp_server_set_auth(server.get(), make_digest_auth(options).get());
  }
  return server;
}

/// Makes the coming close of the connection send RST instead of FIN.
void reset_on_close(GstRTSPClient* client) {
  GstRTSPConnection* connection = gst_rtsp_client_get_connection(client);
  if (connection == nullptr) return;
  GSocket* socket = gst_rtsp_connection_get_read_socket(connection);
  const linger no_linger{.l_onoff = 1, .l_linger = 0};
  setsockopt(g_socket_get_fd(socket), SOL_SOCKET, SO_LINGER, &no_linger, sizeof no_linger);
}

/// The control timeout of GstRTSPClient (1.22) does not always end with the client and would then
/// close what is freed; so every client lives as long as the main loop. Nor does it always end when
/// a session begins a second after the connection, as on a busy machine, and closes that; so it
/// comes after an hour.
void keep_client(GstRTSPServer*, GstRTSPClient* client, gpointer clients) {
  g_object_set(client, "post-session-timeout", 3600, nullptr);
  auto kept = static_cast<std::vector<Owned<GstRTSPClient>>*>(clients);
  kept->emplace_back(GST_RTSP_CLIENT(g_object_ref(client)));
}

GstRTSPFilterResult close_client(GstRTSPServer*, GstRTSPClient* client, gpointer reset) {
  if (reset != nullptr) reset_on_close(client);
  return GST_RTSP_FILTER_REMOVE;
}

GstRTSPFilterResult end_session(GstRTSPSessionPool*, GstRTSPSession*, gpointer) {
  return GST_RTSP_FILTER_REMOVE;
}

}  // namespace

size_t AccessUnit::size() const {
  return std::accumulate(units.begin(), units.end(), size_t{0},
                         [](size_t sum, const Bytes& unit) { return sum + unit.size(); });
}

struct TestCamera::Server {
  enum class Ending { kFin, kRst };

  explicit Server(const Options& o)
      : options(o),
        log(std::make_shared<Log>()),
        context(g_main_context_new()),
        loop(g_main_loop_new(context.get(), FALSE)),
        server(make_server(o, log)) {
    g_signal_connect(server.get(), "client-connected", G_CALLBACK(keep_client), &clients);
    g_signal_connect(server.get(), "client-connected", G_CALLBACK(count_plays), &log);
  }

  [[nodiscard]] bool listen();
  void run_in_thread(const std::function<void()>& work);
  void close_connections(Ending ending);
  void stop();

  Options options;
  LogRef log;
  std::unique_ptr<GMainContext, MainContextUnref> context;
  std::unique_ptr<GMainLoop, MainLoopUnref> loop;
  std::vector<Owned<GstRTSPClient>> clients;  // before the server, which adds to them
  Owned<GstRTSPServer> server;
  std::unique_ptr<GSource, SourceDestroy> source;
  int port = 0;
  std::thread thread;
};

bool TestCamera::Server::listen() {
  g_autoptr(GError) error = nullptr;
  source.reset(gst_rtsp_server_create_source(server.get(), nullptr, &error));
  if (source == nullptr) {
    std::fprintf(stderr, "The test camera cannot listen on 127.0.0.1:%d: %s\n", options.port,
                 error->message);
    return false;
  }
  g_source_attach(source.get(), context.get());
  port = gst_rtsp_server_get_bound_port(server.get());
  thread = std::thread([this] {
    g_main_context_push_thread_default(context.get());
    g_main_loop_run(loop.get());
    g_main_context_pop_thread_default(context.get());
  });
  return true;
}

/// Runs `work` in the server's thread and waits for its end.
void TestCamera::Server::run_in_thread(const std::function<void()>& work) {
  std::packaged_task<void()> task(work);
  auto call = [](gpointer data) -> gboolean {
    (*static_cast<std::packaged_task<void()>*>(data))();
    return G_SOURCE_REMOVE;
  };
  g_main_context_invoke(context.get(), call, &task);
  task.get_future().wait();
}

void TestCamera::Server::close_connections(Ending ending) {
  if (!thread.joinable()) return;
  run_in_thread([this, ending] {
    gpointer reset = ending == Ending::kRst ? this : nullptr;
    gst_rtsp_server_client_filter(server.get(), close_client, reset);
    Owned<GstRTSPSessionPool> sessions(gst_rtsp_server_get_session_pool(server.get()));
    gst_rtsp_session_pool_filter(sessions.get(), end_session, nullptr);
  });
}

void TestCamera::Server::stop() {
  if (!thread.joinable()) return;
  run_in_thread([this] { source.reset(); });
  close_connections(Ending::kFin);
  if (!log->wait_until_no_media()) std::fprintf(stderr, "A medium of the test camera hangs.\n");
  g_main_loop_quit(loop.get());
  thread.join();
  server.reset();
  clients.clear();
}

std::unique_ptr<TestCamera> TestCamera::start(const Options& options) {
  auto server = std::make_unique<Server>(options);
  if (!server->listen()) return nullptr;
  return std::unique_ptr<TestCamera>(new TestCamera(std::move(server)));
}

TestCamera::TestCamera(std::unique_ptr<Server> server) : server_(std::move(server)) {}

TestCamera::~TestCamera() { stop(); }

int TestCamera::port() const { return server_->port; }

std::string TestCamera::url() const {
  const Options& o = server_->options;
  if (o.user.empty()) return url_without_credentials();
  return "rtsp://" + o.user + ":" + o.password + "@127.0.0.1:" + std::to_string(port()) + kPath;
}

std::string TestCamera::url_without_credentials() const {
  return "rtsp://127.0.0.1:" + std::to_string(port()) + kPath;
}

Truth TestCamera::truth() const { return server_->log->truth(); }

int TestCamera::plays() const { return server_->log->plays(); }

void TestCamera::hang_up() { server_->close_connections(Server::Ending::kFin); }

void TestCamera::kill_connections() { server_->close_connections(Server::Ending::kRst); }

void TestCamera::stop() { server_->stop(); }

}  // namespace camera
