// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tags of the movie: iTunes-style metadata in udta/meta/ilst, and QuickTime's plain text in udta.
#include <algorithm>

#include "movie_reading.h"

namespace boxes {
namespace {

constexpr uint32_t kUtf8 = 1;

void add_tag(Reading& reading, const Box& box, const std::string& key,
             const std::vector<uint8_t>& value) {
  const bool added =
      reading.movie.tags.emplace(key, std::string(value.begin(), value.end())).second;
  if (!added) reading.problems.at(box, "there is more than one");
}

// 'data': type indicator, locale, value. Answers nothing when it is no text.
std::optional<std::vector<uint8_t>> read_data(Reading& reading, const Box& box) {
  BoxCursor cursor(box, reading.problems);
  const uint32_t type = cursor.u32();
  cursor.zeros(4, "locale");
  std::vector<uint8_t> value = cursor.rest();
  if (type != kUtf8) return std::nullopt;
  return value;
}

// The key of a freeform item stands in its 'name'.
std::string read_key(Reading& reading, const Box& item) {
  const Box* name = item.type == "----" ? item.child("name") : nullptr;
  if (!name) return printable(item.type);
  BoxCursor cursor(*name, reading.problems);
  cursor.full_header(0);
  const std::vector<uint8_t> key = cursor.rest();
  return {key.begin(), key.end()};
}

void read_ilst(Reading& reading, const Box& ilst) {
  for (const Box& item : ilst.children) {
    const Box* data = item.child("data");
    if (!data) {
      reading.problems.at(item, "has no data");
      continue;
    }
    const auto value = read_data(reading, *data);
    if (value) add_tag(reading, item, read_key(reading, item), *value);
  }
}

// QuickTime's user data text: 16-bit length, language, text.
void read_plain_text(Reading& reading, const Box& box) {
  BoxCursor cursor(box, reading.problems);
  const uint16_t length = cursor.u16();
  cursor.u16();  // language
  add_tag(reading, box, printable(box.type), cursor.bytes(length));
}

void check_meta(Reading& reading, const Box& meta) {
  const Box* hdlr = meta.child("hdlr");
  if (!hdlr) return reading.problems.at(meta, "has no hdlr");
  BoxCursor cursor(*hdlr, reading.problems);
  cursor.full_header(0);
  cursor.u32();  // pre_defined
  cursor.expect("handler_type mdir", cursor.fourcc() == "mdir", 1);
  cursor.bytes(12);  // "appl" by custom
  const std::vector<uint8_t> name = cursor.rest();
  if (std::find(name.begin(), name.end(), 0) == name.end()) {
    cursor.problem("name does not end with a zero byte inside the box");
  }
}

}  // namespace

void read_tags(Reading& reading, const Box& udta) {
  for (const Box& box : udta.children) {
    if (box.type == "meta") {
      check_meta(reading, box);
      if (const Box* ilst = box.child("ilst")) read_ilst(reading, *ilst);
    } else if (box.type[0] == '\xa9') {
      read_plain_text(reading, box);
    }
  }
}

}  // namespace boxes
