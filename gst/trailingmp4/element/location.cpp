// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/element/location.h"

#include <cstring>

namespace trailingmp4 {
namespace {

bool is_uri(const std::string& location) {
  return location.find("://") != std::string::npos && gst_uri_is_valid(location.c_str());
}

}  // namespace

mp4::Status check_location(const std::string& location) {
  using mp4::StatusCode;
  if (location.empty()) return {StatusCode::kOpen, "No location is set to record to."};
  if (is_uri(location))
    return {StatusCode::kOpen,
            "The location is a URI. A location is the path of a file, such as "
            "/media/recordings/door.mp4."};
  if (location[0] == '~')
    return {StatusCode::kOpen,
            "The location begins with \"~\", which only a shell replaces by a home folder. A "
            "location is the path of a file, such as /home/user/door.mp4; a file whose name begins "
            "with \"~\" is ./~name."};
  return {};
}

GString8 uri_of(const std::string& location) {
  if (!check_location(location).ok()) return {};
  return GString8(gst_filename_to_uri(location.c_str(), nullptr));
}

std::optional<std::string> location_of(const char* uri, GError** error) {
  char* host = nullptr;
  const GString8 path(g_filename_from_uri(uri, &host, error));
  const GString8 owned_host(host);
  if (!path) return std::nullopt;
  if (host && std::strcmp(host, "localhost") != 0) {
    g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_REFERENCE,
                "\"%s\" is a file of another machine", uri);
    return std::nullopt;
  }
  return path.get();
}

}  // namespace trailingmp4
