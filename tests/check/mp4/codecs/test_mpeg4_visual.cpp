// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tests of what is found in samples of MPEG-4 Visual: which pictures can be decoded alone, and
// their headers.
#include <cstdint>
#include <vector>

#include "bit_writer.h"
// clang-format off: last, since it defines a macro `fail` that the standard headers trip over
#include "codec_samples.h"
// clang-format on

namespace {

using namespace mp4::literals;
using mp4_test::BitWriter;
using mp4_test::CodecName;
using mp4_test::config_of;
using mp4_test::look_sanely;
using Bytes = std::vector<uint8_t>;

constexpr CodecName kMpeg4{"mp4v"_4cc, mp4::kObjectTypeMpeg4Visual};

mp4::AccessUnit look_at(const Bytes& sample) {
  auto config = config_of(kMpeg4);
  return look_sanely(sample, config);
}

template <typename... Parts>
Bytes joined(const Parts&... parts) {
  Bytes bytes;
  (bytes.insert(bytes.end(), parts.begin(), parts.end()), ...);
  return bytes;
}

// As avenc_mpeg4 writes them: VOS, VO, VOL; then user data, GOV, VOPs.
const Bytes kLayer{0, 0, 1, 0xb0, 0x01, 0,    0,    1,    0xb5, 0x89, 0x13, 0,    0,    1,    0,
                   0, 0, 1, 0x20, 0,    0xc4, 0x8d, 0x8f, 0xff, 0xfd, 0x02, 0x04, 0x06, 0x14, 0x63};
const Bytes kUserData{0, 0, 1, 0xb2, 'L', 'a', 'v', 'c'};
const Bytes kGroup{0, 0, 1, 0xb3, 0x00, 0x10, 0x07};

Bytes vop(unsigned coding_type) {
  return {0, 0, 1, 0xb6, static_cast<uint8_t>(coding_type << 6 | 0x10), 0, 0x0c};
}

// What stands before the size (6.2.3), and whether it is there.
struct Layer {
  bool identifier = true, extended_aspect = false, control = true, vbv = false;
  unsigned shape = 0;
  unsigned resolution = 25;
  unsigned fixed_bits = 0;  // of fixed_vop_time_increment; 0: the rate is not fixed
};

Bytes sample_with(const Layer& layer, unsigned width, unsigned height) {
  BitWriter w;
  w.bits(0x120, 32).bits(0, 1).bits(1, 8).bits(layer.identifier, 1);
  if (layer.identifier) w.bits(1, 4).bits(1, 3);
  w.bits(layer.extended_aspect ? 15 : 1, 4);
  if (layer.extended_aspect) w.bits(12, 8).bits(11, 8);
  w.bits(layer.control, 1);
  if (layer.control) w.bits(1, 2).bits(1, 1).bits(layer.vbv, 1);
  for (int i = 0; layer.vbv && i < 79; ++i) w.bits(1, 1);
  w.bits(layer.shape, 2).bits(1, 1).bits(layer.resolution, 16).bits(1, 1);
  w.bits(layer.fixed_bits > 0, 1).bits(1, layer.fixed_bits);
  w.bits(1, 1).bits(width, 13).bits(1, 1).bits(height, 13).bits(1, 1).bits(0xff, 8);
  return joined(w.bytes(), kGroup, vop(0));
}

}  // namespace

GST_START_TEST(coding_types) {
  for (unsigned type = 0; type < 4; ++type) {
    for (const Bytes& sample : {vop(type), joined(kGroup, vop(type)), joined(kLayer, vop(type))}) {
      const auto unit = look_at(sample);
      fail_unless(unit.has_media);
      fail_unless_equals_int(unit.access.sync, type == 0);
      fail_unless_equals_int(unit.bidirectional, type == 2);
    }
  }
  fail_if(look_at(joined(kLayer, kUserData)).has_media);
  fail_if(look_at({0, 0, 1, 0xb6}).has_media);
}
GST_END_TEST;

GST_START_TEST(headers_are_those_before_the_group) {
  auto config = config_of(kMpeg4);
  const Bytes sample = joined(kLayer, kUserData, kGroup, vop(0));
  fail_unless(look_sanely(sample, config).described_anew);
  fail_unless(config.codec_config == joined(kLayer, kUserData));
  fail_if(look_sanely(joined(kGroup, vop(0)), config).described_anew);
  fail_if(look_sanely(joined(kUserData, kGroup, vop(0)), config).described_anew);
  fail_if(look_sanely(joined(kGroup, kLayer, vop(0)), config).described_anew);
}
GST_END_TEST;

GST_START_TEST(user_data_alone_is_no_other_stream) {
  const Bytes short_form = kLayer, long_form = joined(kLayer, kUserData);
  for (const Bytes& known : {short_form, long_form}) {
    for (const Bytes& brought : {short_form, long_form}) {
      auto config = config_of(kMpeg4);
      config.codec_config = known;
      fail_if(look_sanely(joined(brought, kGroup, vop(0)), config).described_anew);
    }
  }
  auto config = config_of(kMpeg4);
  config.codec_config = short_form;
  Bytes other = long_form;
  other[25] ^= 4;
  fail_unless(look_sanely(joined(other, vop(0)), config).described_anew);
  fail_unless(config.codec_config == other);
}
GST_END_TEST;

GST_START_TEST(a_picture_that_begins_late_is_taken_as_it_is) {
  Bytes sample(5'000, 0xff);
  fail_unless(look_at(sample).has_media);
  sample = joined(kLayer, sample, vop(0));
  const auto unit = look_at(sample);
  fail_unless(unit.has_media && !unit.access.sync && !unit.described_anew);
  fail_if(look_at({}).has_media);
}
GST_END_TEST;

GST_START_TEST(headers_say_the_size) {
  for (const Layer& layer :
       {Layer{}, Layer{.identifier = false}, Layer{.extended_aspect = true},
        Layer{.control = false}, Layer{.vbv = true}, Layer{.fixed_bits = 5},
        Layer{.resolution = 1, .fixed_bits = 1}, Layer{.resolution = 0, .fixed_bits = 1},
        Layer{.resolution = 32, .fixed_bits = 5}, Layer{.resolution = 65535, .fixed_bits = 16},
        Layer{.extended_aspect = true, .vbv = true, .resolution = 30000, .fixed_bits = 15}}) {
    auto config = config_of(kMpeg4);
    const auto unit = look_sanely(sample_with(layer, 322, 8191), config);
    fail_unless(unit.described_anew && unit.brings_config);
    fail_unless_equals_int(config.video.width, 322);
    fail_unless_equals_int(config.video.height, 8191);
  }
}
GST_END_TEST;

GST_START_TEST(headers_without_a_size_leave_what_is_known) {
  auto config = config_of(kMpeg4);
  config.video.width = config.video.height = 64;
  Bytes cut = sample_with({}, 322, 242);
  cut.resize(12);
  cut = joined(cut, vop(0));
  for (const Bytes& sample :
       {sample_with({.shape = 1}, 322, 242), sample_with({}, 322, 0), sample_with({}, 0, 242), cut})
    fail_unless(look_sanely(sample, config).described_anew);
  fail_if(look_sanely(joined(kGroup, vop(0)), config).brings_config);
  fail_unless(config.video.width == 64 && config.video.height == 64);
}
GST_END_TEST;

GST_START_TEST(damaged_headers_do_no_harm) {
  mp4_test::damage(kMpeg4, joined(kLayer, kUserData, kGroup, vop(0)));
}
GST_END_TEST;

static Suite* mpeg4_visual_suite() {
  Suite* suite = suite_create("mpeg4_visual");
  TCase* tcase = tcase_create("samples");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, coding_types);
  tcase_add_test(tcase, headers_are_those_before_the_group);
  tcase_add_test(tcase, user_data_alone_is_no_other_stream);
  tcase_add_test(tcase, a_picture_that_begins_late_is_taken_as_it_is);
  tcase_add_test(tcase, headers_say_the_size);
  tcase_add_test(tcase, headers_without_a_size_leave_what_is_known);
  tcase_add_test(tcase, damaged_headers_do_no_harm);
  return suite;
}

GST_CHECK_MAIN(mpeg4_visual)
