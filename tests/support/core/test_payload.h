// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Payloads for tests of the core: bytes in one or several pieces, bytes that cannot be had, and
// more bytes than there is memory for. All are counted, so that a test sees what was not let go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mp4/base/payload.h"

namespace mp4_test {

using Bytes = std::vector<uint8_t>;

/// The same bytes for the same seed, different ones for another.
Bytes some_bytes(std::size_t size, uint32_t seed);

mp4::Payload make_payload(Bytes bytes);
/// Cut into that many pieces, as even as it goes; some are empty if there are too few bytes.
mp4::Payload make_payload_in_pieces(Bytes bytes, std::size_t pieces);
/// Its piece number `bad`, from 0, cannot be mapped.
mp4::Payload make_unreadable_payload(uint32_t size, std::size_t pieces, std::size_t bad);
/// Its pieces are shorter together than it says.
mp4::Payload make_short_payload(uint32_t size, uint32_t missing);
/// Zeros that take no memory until they are read.
mp4::Payload make_large_payload(uint32_t size);

int live_payloads();
int mapped_pieces();

}  // namespace mp4_test
