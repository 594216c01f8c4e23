// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Four-character codes (ISO/IEC 14496-12, 4.2): box types, brands, handlers, sample entry formats.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mp4 {

struct FourCC {
  uint32_t value = 0;
  constexpr bool operator==(const FourCC&) const = default;
};

inline namespace literals {
void a_four_character_code_has_four_characters();  // not constexpr: calling it does not compile

// Takes any four bytes, "\xa9nam"_4cc included.
consteval FourCC operator""_4cc(const char* text, std::size_t size) {
  if (size != 4) a_four_character_code_has_four_characters();
  uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(text[i]);
  return FourCC{value};
}
}  // namespace literals

}  // namespace mp4
