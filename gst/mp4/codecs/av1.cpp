// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mp4/codecs/av1.h"

#include <algorithm>
#include <array>
#include <optional>

#include "mp4/base/bit_reader.h"
#include "mp4/base/narrow.h"

namespace mp4 {
namespace {

// 6.2.2
constexpr unsigned kSequenceHeader = 1;
constexpr unsigned kTemporalDelimiter = 2;
constexpr unsigned kFrameHeader = 3;
constexpr unsigned kFrame = 6;

constexpr std::size_t kRecordHeader = 4;             // of the configuration record, before its OBUs
constexpr uint8_t kMarkerAndVersion = 0x81;          // binding, 2.3.3
constexpr std::size_t kMostObusLookedAt = 32;        // of one sample, up to its first frame
constexpr std::size_t kLargestSequenceHeader = 512;  // 32 operating points are under 400 bytes

struct Obu {
  unsigned type = 0;
  uint64_t payload = 0;  // offset in the sample
  uint64_t size = 0;     // of the payload
  uint64_t end() const { return payload + size; }
};

// 5.3.1 to 5.3.3, 4.10.5. Nothing: there is none that is whole.
std::optional<Obu> read_obu(const ByteSource& bytes, uint64_t offset) {
  std::array<uint8_t, 10> head{};
  const std::size_t count = bytes.read(offset, head);
  if (count == 0 || head[0] & 0x80) return std::nullopt;  // obu_forbidden_bit
  const bool has_extension = head[0] & 0x04, has_size = head[0] & 0x02;
  std::size_t position = has_extension ? 2 : 1;
  Obu obu{head[0] >> 3 & 0x0fu, 0, 0};
  if (has_size) {
    bool is_last = false;
    for (unsigned i = 0; i < 8 && !is_last && position < count; ++i) {
      const uint8_t byte = head[position++];
      obu.size |= uint64_t{byte & 0x7fu} << (7 * i);
      is_last = !(byte & 0x80);
    }
    if (!is_last) return std::nullopt;
  }
  obu.payload = offset + position;
  if (obu.payload > bytes.size()) return std::nullopt;
  if (!has_size) obu.size = bytes.size() - obu.payload;
  if (obu.size > bytes.size() - obu.payload) return std::nullopt;
  return obu;
}

// What the file must know of a sequence header (5.5).
struct Sequence {
  uint32_t profile = 0, level = 0, tier = 0;
  bool reduced_still_picture = false;
  uint32_t width = 0, height = 0;
  bool high_bitdepth = false, twelve_bit = false, monochrome = false;
  uint32_t subsampling_x = 1, subsampling_y = 1, chroma_sample_position = 0;
  std::optional<Colour> colour;
};

// 5.5.3, 5.5.4. Returns buffer_delay_length_minus_1 + 1, 0 where there is no decoder model.
unsigned skip_timing_info(BitReader& reader) {
  reader.bits(32);                                          // num_units_in_display_tick
  reader.bits(32);                                          // time_scale
  if (reader.bit()) reader.ue();                            // num_ticks_per_picture_minus_1: uvlc()
  if (!reader.bit()) return 0;                              // decoder_model_info_present_flag
  const unsigned buffer_delay_length = reader.bits(5) + 1;  // buffer_delay_length_minus_1
  reader.bits(32);                                          // num_units_in_decoding_tick
  reader.bits(10);  // buffer_removal_time_, frame_presentation_time_length_minus_1
  return buffer_delay_length;
}

void read_operating_points(BitReader& reader, Sequence& sequence) {
  unsigned buffer_delay_length = 0;
  if (reader.bit()) buffer_delay_length = skip_timing_info(reader);  // timing_info_present_flag
  const bool has_display_delay = reader.bit();  // initial_display_delay_present_flag
  const uint32_t points = reader.bits(5) + 1;   // operating_points_cnt_minus_1
  for (uint32_t i = 0; i < points; ++i) {
    reader.bits(12);                                     // operating_point_idc
    const uint32_t level = reader.bits(5);               // seq_level_idx
    const uint32_t tier = level > 7 ? reader.bit() : 0;  // seq_tier
    if (i == 0) sequence.level = level, sequence.tier = tier;
    if (buffer_delay_length && reader.bit()) {  // decoder_model_present_for_this_op
      reader.bits(buffer_delay_length);         // decoder_buffer_delay
      reader.bits(buffer_delay_length);         // encoder_buffer_delay
      reader.bit();                             // low_delay_mode_flag
    }
    if (has_display_delay && reader.bit()) reader.bits(4);  // initial_display_delay_minus_1
  }
}

void skip_tools(BitReader& reader) {
  reader.bits(4);                                    // enable_interintra_compound ... dual_filter
  const bool has_order_hint = reader.bit();          // enable_order_hint
  if (has_order_hint) reader.bits(2);                // enable_jnt_comp, enable_ref_frame_mvs
  const bool chooses_screen_content = reader.bit();  // seq_choose_screen_content_tools
  const bool may_force_integer = chooses_screen_content || reader.bit();
  if (may_force_integer && !reader.bit()) reader.bit();  // seq_choose_integer_mv, seq_force_
  if (has_order_hint) reader.bits(3);                    // order_hint_bits_minus_1
}

void read_color_config(BitReader& reader, Sequence& sequence) {  // 5.5.2
  constexpr uint32_t kBt709 = 1, kSrgb = 13, kIdentity = 0;
  sequence.high_bitdepth = reader.bit();
  if (sequence.profile == 2 && sequence.high_bitdepth) sequence.twelve_bit = reader.bit();
  if (sequence.profile != 1) sequence.monochrome = reader.bit();
  const bool is_described = reader.bit();  // color_description_present_flag
  Colour colour;
  if (is_described) {
    colour.primaries = narrow<uint16_t>(reader.bits(8));
    colour.transfer = narrow<uint16_t>(reader.bits(8));
    colour.matrix = narrow<uint16_t>(reader.bits(8));
  }
  const bool is_rgb = colour.primaries == kBt709 && colour.transfer == kSrgb &&
                      colour.matrix == kIdentity && is_described;
  colour.full_range = is_rgb && !sequence.monochrome ? true : reader.bit() != 0;
  if (is_described) sequence.colour = colour;
  if (sequence.monochrome) return;
  if (is_rgb || sequence.profile == 1) {
    sequence.subsampling_x = sequence.subsampling_y = 0;
  } else if (sequence.profile == 2) {
    sequence.subsampling_x = sequence.twelve_bit ? reader.bit() : 1;
    sequence.subsampling_y = sequence.twelve_bit && sequence.subsampling_x ? reader.bit() : 0;
  }
  if (!is_rgb && sequence.subsampling_x && sequence.subsampling_y)
    sequence.chroma_sample_position = reader.bits(2);
}

std::optional<Sequence> parse_sequence_header(std::span<const uint8_t> payload) {  // 5.5.1
  BitReader reader(payload);
  Sequence sequence;
  sequence.profile = reader.bits(3);  // seq_profile
  reader.bit();                       // still_picture
  sequence.reduced_still_picture = reader.bit();
  if (sequence.reduced_still_picture)
    sequence.level = reader.bits(5);
  else
    read_operating_points(reader, sequence);
  const unsigned width_bits = reader.bits(4) + 1, height_bits = reader.bits(4) + 1;
  sequence.width = reader.bits(width_bits) + 1;                         // max_frame_width_minus_1
  sequence.height = reader.bits(height_bits) + 1;                       // max_frame_height_minus_1
  if (!sequence.reduced_still_picture && reader.bit()) reader.bits(7);  // frame_id_numbers
  reader.bits(3);  // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  if (!sequence.reduced_still_picture) skip_tools(reader);
  reader.bits(3);  // enable_superres, enable_cdef, enable_restoration
  read_color_config(reader, sequence);
  const bool is_known =
      sequence.profile <= 2 && fits<uint16_t>(sequence.width) && fits<uint16_t>(sequence.height);
  if (reader.exhausted() || !is_known) return std::nullopt;
  return sequence;
}

std::vector<uint8_t> configuration_record(const Sequence& sequence,
                                          std::span<const uint8_t> obu_payload) {  // 2.3.3
  const auto bit = [](bool value, unsigned shift) { return (value ? 1u : 0u) << shift; };
  const uint32_t format = sequence.tier << 7 | bit(sequence.high_bitdepth, 6) |
                          bit(sequence.twelve_bit, 5) | bit(sequence.monochrome, 4) |
                          sequence.subsampling_x << 3 | sequence.subsampling_y << 2 |
                          sequence.chroma_sample_position;
  std::vector<uint8_t> record{kMarkerAndVersion,
                              static_cast<uint8_t>(sequence.profile << 5 | sequence.level),
                              static_cast<uint8_t>(format), 0};
  record.push_back(kSequenceHeader << 3 | 0x02);  // with obu_has_size_field
  std::size_t size = obu_payload.size();
  for (; size > 0x7f; size >>= 7) record.push_back(static_cast<uint8_t>(0x80 | (size & 0x7f)));
  record.push_back(static_cast<uint8_t>(size));
  record.insert(record.end(), obu_payload.begin(), obu_payload.end());
  return record;
}

// The configuration is replaced where the sequence is another one, not where it is said otherwise.
bool describe(const Sequence& sequence, std::span<const uint8_t> payload, TrackConfig& config) {
  const auto& known = config.codec_config;
  const bool is_same = known.size() > kRecordHeader + payload.size() &&
                       std::search(known.begin() + kRecordHeader, known.end(), payload.begin(),
                                   payload.end()) != known.end();
  VideoDescription video = config.video;
  video.width = narrow<uint16_t>(sequence.width);
  video.height = narrow<uint16_t>(sequence.height);
  if (sequence.colour) video.colour = sequence.colour;
  if (is_same && video == config.video) return false;
  config.video = video;
  if (!is_same) config.codec_config = configuration_record(sequence, payload);
  return true;
}

std::optional<Sequence> read_sequence_header(const ByteSource& sample, const Obu& obu,
                                             TrackConfig& config, AccessUnit& unit) {
  std::array<uint8_t, kLargestSequenceHeader> buffer;
  if (obu.size > buffer.size()) return std::nullopt;
  const auto payload = std::span(buffer).first(static_cast<std::size_t>(obu.size));
  if (sample.read(obu.payload, payload) != payload.size()) return std::nullopt;
  const auto sequence = parse_sequence_header(payload);
  if (sequence) unit.described_anew = describe(*sequence, payload, config);
  return sequence;
}

bool starts_with_key_frame(const ByteSource& bytes, const Obu& obu) {  // 5.9.2
  uint8_t first = 0;
  if (obu.size == 0 || bytes.read(obu.payload, std::span(&first, 1)) != 1) return false;
  const bool shows_existing = first & 0x80, is_shown = first & 0x10;
  const bool is_key = (first >> 5 & 0x03) == 0;
  return !shows_existing && is_key && is_shown;
}

}  // namespace

bool is_av1_configuration(std::span<const uint8_t> record) {
  return record.size() >= kRecordHeader && record[0] == kMarkerAndVersion;
}

AccessUnit look_at_av1(const ByteSource& sample, TrackConfig& config) {
  AccessUnit unit;
  unit.has_media = sample.size() > 0;
  std::optional<Sequence> sequence;
  uint64_t offset = 0;
  for (std::size_t i = 0; i < kMostObusLookedAt && offset < sample.size(); ++i) {
    const auto obu = read_obu(sample, offset);
    if (!obu) return unit;
    // Temporal delimiters do not belong into a file (binding, 2.4).
    if (obu->type == kTemporalDelimiter && unit.skip == offset) unit.skip = obu->end();
    // Others of the same temporal unit are the same (7.5).
    if (obu->type == kSequenceHeader && !sequence)
      sequence = read_sequence_header(sample, *obu, config, unit);
    if (obu->type == kFrame || obu->type == kFrameHeader) {
      unit.access.sync =
          sequence && (sequence->reduced_still_picture || starts_with_key_frame(sample, *obu));
      return unit;
    }
    offset = obu->end();
  }
  unit.has_media = offset < sample.size();
  return unit;
}

}  // namespace mp4
