// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the property "location" may be: the path of a file on this machine, absolute or relative to
// the working directory, in the encoding of file names; and the same as a URI of the scheme "file"
// (RFC 8089), which editors and GstURIHandler use.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>

#include "mp4/base/status.h"
#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {

// Not ok: it is empty, a URI, or begins with "~", which only a shell replaces.
mp4::Status check_location(const std::string& location);

// Null: there is no location, or it cannot be written as a URI.
GString8 uri_of(const std::string& location);
// Nothing: the URI is none of a file on this machine; error says why.
std::optional<std::string> location_of(const char* uri, GError** error);

}  // namespace trailingmp4
