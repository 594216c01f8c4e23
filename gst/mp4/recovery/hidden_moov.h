// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Looks whether the movie box that a recorder wrote and did not come to show (S5 to S8) can be
// used. It knows more than the fragments say: titles, true durations, samples that are in no
// fragment.
#pragma once

#include <cstdint>
#include <span>

namespace finalize {

// hidden, anew: bodies of the recorder's 'moov' and of one that was made of the fragments. Whether
// the first describes all samples of the second, where they are, as they are and about when, and
// all that it describes besides lies in the file before end.
bool can_use_moov(std::span<const uint8_t> hidden, std::span<const uint8_t> anew, uint64_t end);

}  // namespace finalize
