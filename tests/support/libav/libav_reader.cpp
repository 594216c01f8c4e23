// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libav_reader.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/md5.h>
}

#include <array>
#include <cstdarg>
#include <cstdio>
#include <memory>

namespace libav {
namespace {

template <typename T, void (*free)(T**)>
struct Freed {
  void operator()(T* object) const { free(&object); }
};
using Format = std::unique_ptr<AVFormatContext, Freed<AVFormatContext, avformat_close_input>>;
using Decoder = std::unique_ptr<AVCodecContext, Freed<AVCodecContext, avcodec_free_context>>;
using OwnedPacket = std::unique_ptr<AVPacket, Freed<AVPacket, av_packet_free>>;
using OwnedFrame = std::unique_ptr<AVFrame, Freed<AVFrame, av_frame_free>>;

/// What the libraries log on this thread while one of these is there. GStreamer's elements of
/// FFmpeg, such as a test camera's encoder, log through the same callback on theirs.
class Log {
 public:
  explicit Log(Heard heard) : level_(level_of(heard)) {
    current = this;
    av_log_set_callback(hear);  // each time: GStreamer's plugin sets another when it is loaded
  }
  ~Log() { current = nullptr; }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// What ffmpeg itself would say, at its level.
  void say(int level, const std::string& line) {
    if (level <= level_) text_ += line + "\n";
  }
  void say(int level, const std::string& what, int error) {
    std::array<char, AV_ERROR_MAX_STRING_SIZE> reason{};
    av_strerror(error, reason.data(), reason.size());
    say(level, what + ": " + reason.data());
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  static int level_of(Heard heard) {
    if (heard == Heard::kFatal) return AV_LOG_FATAL;
    return heard == Heard::kErrors ? AV_LOG_ERROR : AV_LOG_WARNING;
  }

  static void hear(void* from, int level, const char* format, va_list values) {
    if (current == nullptr || (level & 0xff) > current->level_) return;
    std::array<char, 1024> line{};
    int prefix = 1;
    av_log_format_line2(from, level, format, values, line.data(), line.size(), &prefix);
    current->text_ += line.data();
  }

  static inline thread_local Log* current = nullptr;

  const int level_;
  std::string text_;
};

Format open_file(const std::string& path, Log& log) {
  AVFormatContext* opened = nullptr;
  int error = avformat_open_input(&opened, path.c_str(), nullptr, nullptr);
  Format format(opened);
  if (error >= 0) error = avformat_find_stream_info(opened, nullptr);
  if (error >= 0) return format;
  log.say(AV_LOG_FATAL, path, error);
  return nullptr;
}

/// One thread, which is this one: what these files hold is not worth more, and what is said is
/// heard.
Decoder open_decoder(const AVStream& stream, Log& log) {
  const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
  Decoder decoder(codec ? avcodec_alloc_context3(codec) : nullptr);
  if (!decoder) {
    log.say(AV_LOG_FATAL, "no decoder for stream " + std::to_string(stream.index));
    return nullptr;
  }
  avcodec_parameters_to_context(decoder.get(), stream.codecpar);
  decoder->pkt_timebase = stream.time_base;
  decoder->thread_count = 1;
  const int error = avcodec_open2(decoder.get(), codec, nullptr);
  if (error >= 0) return decoder;
  log.say(AV_LOG_FATAL, "decoder of stream " + std::to_string(stream.index), error);
  return nullptr;
}

std::vector<Decoder> open_decoders(const AVFormatContext& format, Log& log) {
  std::vector<Decoder> decoders;
  for (unsigned i = 0; i < format.nb_streams; ++i)
    decoders.push_back(open_decoder(*format.streams[i], log));
  return decoders;
}

/// Gives every packet to `use`. Ends with a complaint where the file cannot be read on.
template <typename Use>
void read_packets(AVFormatContext& format, Log& log, const Use& use) {
  const OwnedPacket packet(av_packet_alloc());
  int error = 0;
  while ((error = av_read_frame(&format, packet.get())) >= 0) {
    use(*packet);
    av_packet_unref(packet.get());
  }
  if (error != AVERROR_EOF) log.say(AV_LOG_ERROR, "reading", error);
}

Tags tags_of(const AVDictionary* dictionary) {
  Tags tags;
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(dictionary, "", entry, AV_DICT_IGNORE_SUFFIX)) != nullptr)
    tags[entry->key] = entry->value;
  return tags;
}

/// nullptr: there is none. FFmpeg 6.1 moved what concerns a whole stream to its parameters.
const uint8_t* display_matrix(const AVStream& stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 30, 101)
  const AVPacketSideData* found =
      av_packet_side_data_get(stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data,
                              AV_PKT_DATA_DISPLAYMATRIX);
  return found ? found->data : nullptr;
#else
  return av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
#endif
}

Stream describe(const AVStream& stream) {
  Stream described{.video = stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO,
                   .codec = avcodec_get_name(stream.codecpar->codec_id),
                   .tags = tags_of(stream.metadata)};
  if (const uint8_t* matrix = display_matrix(stream))
    described.rotation = av_display_rotation_get(reinterpret_cast<const int32_t*>(matrix));
  return described;
}

std::optional<int64_t> known(int64_t time) {
  if (time == AV_NOPTS_VALUE) return std::nullopt;
  return time;
}

std::optional<int64_t> nanoseconds(int64_t time, AVRational base) {
  if (time == AV_NOPTS_VALUE) return std::nullopt;
  return av_rescale_q(time, base, {1, 1'000'000'000});
}

Packet take(const AVPacket& packet, AVRational base) {
  return {.bytes = Bytes(packet.data, packet.data + packet.size),
          .pts = known(packet.pts),
          .dts = known(packet.dts),
          .pts_ns = nanoseconds(packet.pts, base),
          .dts_ns = nanoseconds(packet.dts, base),
          .position = packet.pos,
          .key = (packet.flags & AV_PKT_FLAG_KEY) != 0,
          .discarded = (packet.flags & AV_PKT_FLAG_DISCARD) != 0};
}

/// Of the picture as it is stored raw, without padding, which is what framemd5 sums up.
std::string sum_of(const AVFrame& frame) {
  const auto format = static_cast<AVPixelFormat>(frame.format);
  const int size = av_image_get_buffer_size(format, frame.width, frame.height, 1);
  Bytes raw(static_cast<size_t>(std::max(size, 0)));
  av_image_copy_to_buffer(raw.data(), size, frame.data, frame.linesize, format, frame.width,
                          frame.height, 1);
  std::array<uint8_t, 16> sum{};
  av_md5_sum(sum.data(), raw.data(), raw.size());
  std::string text;
  for (const uint8_t byte : sum) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", byte);
    text += digits.data();
  }
  return text;
}

/// What comes out of the decoders of a file.
class Decoding {
 public:
  explicit Decoding(Log& log) : log_(log) {}

  /// nullptr: there is no more.
  void decode(AVCodecContext& decoder, const AVPacket* packet) {
    if (packet != nullptr && (packet->flags & AV_PKT_FLAG_CORRUPT))
      log_.say(AV_LOG_WARNING, "a corrupt packet");
    int error = avcodec_send_packet(&decoder, packet);
    if (error < 0) return log_.say(AV_LOG_ERROR, "decoding", error);
    while ((error = avcodec_receive_frame(&decoder, frame_.get())) >= 0) {
      take(decoder);
      av_frame_unref(frame_.get());
    }
    if (error != AVERROR(EAGAIN) && error != AVERROR_EOF) log_.say(AV_LOG_ERROR, "decoding", error);
  }
  std::vector<std::string> take_pictures() { return std::move(pictures_); }

 private:
  void take(const AVCodecContext& decoder) {
    if (frame_->decode_error_flags != 0 || (frame_->flags & AV_FRAME_FLAG_CORRUPT))
      log_.say(AV_LOG_WARNING, "a corrupt frame");
    if (decoder.codec_type == AVMEDIA_TYPE_VIDEO) pictures_.push_back(sum_of(*frame_));
    if (decoder.codec_type == AVMEDIA_TYPE_AUDIO &&
        frame_->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
      log_.say(AV_LOG_WARNING, "a layout of channels that is to be guessed");
  }

  Log& log_;
  OwnedFrame frame_{av_frame_alloc()};
  std::vector<std::string> pictures_;
};

}  // namespace

File read_file(const std::string& path, Heard heard) {
  Log log(heard);
  File file;
  if (const Format format = open_file(path, log)) {
    file.opened = true;
    file.tags = tags_of(format->metadata);
    open_decoders(*format, log);  // ffprobe does, and may be told that it cannot
    for (unsigned i = 0; i < format->nb_streams; ++i)
      file.streams.push_back(describe(*format->streams[i]));
    read_packets(*format, log, [&](const AVPacket& packet) {
      const auto stream = static_cast<size_t>(packet.stream_index);
      const AVRational base = format->streams[stream]->time_base;
      file.streams.at(stream).packets.push_back(take(packet, base));
    });
  }
  file.log = log.text();
  return file;
}

Decoded decode_file(const std::string& path, Heard heard) {
  Log log(heard);
  Decoded decoded;
  if (const Format format = open_file(path, log)) {
    const std::vector<Decoder> decoders = open_decoders(*format, log);
    Decoding decoding(log);
    read_packets(*format, log, [&](const AVPacket& packet) {
      const Decoder& decoder = decoders.at(static_cast<size_t>(packet.stream_index));
      if (decoder) decoding.decode(*decoder, &packet);
    });
    for (const Decoder& decoder : decoders)
      if (decoder) decoding.decode(*decoder, nullptr);
    decoded.pictures = decoding.take_pictures();
  }
  decoded.log = log.text();
  return decoded;
}

}  // namespace libav
