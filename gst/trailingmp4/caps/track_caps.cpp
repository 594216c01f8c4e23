// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/caps/track_caps.h"

#include <algorithm>
#include <iterator>

#include "trailingmp4/base/gst_ref.h"
#include "trailingmp4/caps/caps_reading.h"

namespace trailingmp4 {
namespace {

using mp4::TrackKind;
using namespace mp4::literals;

// A row of the table: what the pad templates say, and what turns the caps into a TrackCaps.
struct Row {
  TrackKind kind;
  const char* media_type;
  const char* fields;  // of the template; another structure may follow
  ReadCaps* read;
};

constexpr Row kRows[] = {
    {TrackKind::kVideo, "video/x-h264",
     ", stream-format=(string){ avc, avc3 }, alignment=(string)au", read_h264},
    {TrackKind::kVideo, "video/x-h265",
     ", stream-format=(string){ hvc1, hev1 }, alignment=(string)au", read_h265},
    {TrackKind::kVideo, "video/x-h266",
     ", stream-format=(string){ vvc1, vvi1 }, alignment=(string)au", read_h266},
    // The first form is what a parser is asked for; encoders do not name it.
    {TrackKind::kVideo, "video/x-av1",
     ", stream-format=(string)obu-stream, alignment=(string)tu; video/x-av1, alignment=(string)tu",
     read_av1},
    {TrackKind::kVideo, "video/x-vp8", "", read_vp8},
    {TrackKind::kVideo, "video/x-vp9", "", read_vp9},
    {TrackKind::kVideo, "video/mpeg", ", mpegversion=(int)4, systemstream=(boolean)false",
     read_mpeg4_visual},
    {TrackKind::kVideo, "image/jpeg", "", read_jpeg},
    {TrackKind::kAudio, "audio/mpeg",
     ", mpegversion=(int){ 2, 4 }, stream-format=(string)raw; audio/mpeg, mpegversion=(int)1, "
     "layer=(int)[ 1, 3 ]",
     read_mpeg_audio},
    {TrackKind::kAudio, "audio/x-opus", "", read_opus},
    {TrackKind::kAudio, "audio/x-alaw", "", read_alaw},
    {TrackKind::kAudio, "audio/x-mulaw", "", read_mulaw},
    {TrackKind::kAudio, "audio/x-raw",
     ", format=(string){ S16LE, S16BE, S24BE, S32BE, F32BE, F64BE }, layout=(string)interleaved",
     read_raw_audio},
    {TrackKind::kAudio, "audio/x-ac3", "", read_ac3},
    // The first form is what ac3parse is asked for: it puts all substreams into one buffer.
    {TrackKind::kAudio, "audio/x-eac3", ", alignment=(string)iec61937; audio/x-eac3", read_eac3},
    {TrackKind::kAudio, "audio/x-flac", "", read_flac},
    {TrackKind::kAudio, "audio/x-alac", "", read_alac},
    // Cameras send these. They are taken, to be refused with a sentence that says what to do while
    // the other tracks are recorded.
    {TrackKind::kAudio, "audio/x-adpcm", "", refuse_adpcm},
    {TrackKind::kAudio, "audio/G722", "", refuse_g722},
    {TrackKind::kMetadata, "application/x-onvif-metadata", "", read_onvif_metadata},
    {TrackKind::kText, "text/x-raw", ", format=(string)utf8", read_text},
};

const Row* find_row(const GstCaps* caps) {
  if (!caps || gst_caps_is_empty(caps) || gst_caps_is_any(caps)) return nullptr;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& candidate) {
    return gst_structure_has_name(structure, candidate.media_type);
  });
  return row == std::end(kRows) ? nullptr : &*row;
}

template <typename Wanted>
std::string join_rows(Wanted wanted) {
  std::string text;
  for (const Row& row : kRows) {
    if (!wanted(row)) continue;
    if (!text.empty()) text += "; ";
    text += std::string(row.media_type) + row.fields;
  }
  return text;
}

}  // namespace

std::vector<uint8_t> buffer_field(const GstStructure* caps, const char* field) {
  const GValue* value = gst_structure_get_value(caps, field);
  if (value && GST_VALUE_HOLDS_ARRAY(value) && gst_value_array_get_size(value) > 0)
    value = gst_value_array_get_value(value, 0);
  if (!value || !GST_VALUE_HOLDS_BUFFER(value) || !gst_value_get_buffer(value)) return {};
  const MappedBuffer mapped(gst_value_get_buffer(value));
  if (!mapped) return {};
  return {mapped.data(), mapped.data() + mapped.size()};
}

int int_field(const GstStructure* caps, const char* field, int otherwise) {
  int value = otherwise;
  gst_structure_get_int(caps, field, &value);
  return value;
}

bool TrackCaps::fits(const TrackCaps& other) const {
  const mp4::TrackConfig& theirs = other.config;
  if (config.format != theirs.format || config.object_type != theirs.object_type ||
      config.timescale != theirs.timescale || config.audio.channels != theirs.audio.channels ||
      layer != other.layer)
    return false;
  if (sets && other.sets) return sets->nal_length_size() == other.sets->nal_length_size();
  return codec().carries_parameters ||
         (config.codec_config == theirs.codec_config && config.audio == theirs.audio);
}

bool TrackCaps::is_complete() const {
  if (!framed) return false;
  if (config.kind == TrackKind::kVideo && (config.video.width == 0 || config.video.height == 0))
    return false;
  // In an 'esds' MPEG audio and JPEG need no more than their object type.
  const bool has_its_own = config.object_type != 0 &&
                           config.object_type != mp4::kObjectTypeMpeg4Visual &&
                           config.object_type != mp4::kObjectTypeMpeg4Audio;
  if (codec().configuration == mp4::FourCC{} || has_its_own) return true;
  return !config.codec_config.empty();
}

mp4::Status read_caps(const GstCaps* caps, TrackCaps& result) {
  if (!caps || !gst_caps_is_fixed(caps)) return invalid("The caps are not fixed.");
  const Row* row = find_row(caps);
  if (!row) return invalid("This kind of stream cannot be recorded.");
  result = {};
  result.config.kind = row->kind;
  result.config.timescale = mp4::kVideoTimescale;
  return row->read(gst_caps_get_structure(caps, 0), result);
}

bool is_known_media_type(const GstCaps* caps) { return find_row(caps) != nullptr; }

std::string template_caps() {
  return join_rows([](const Row&) { return true; });
}

std::string template_caps(TrackKind kind) {
  return join_rows([&](const Row& row) { return row.kind == kind; });
}

}  // namespace trailingmp4
