// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/stream/tags.h"

#include <gst/tag/tag.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace trailingmp4 {
namespace {

using namespace mp4::literals;

struct TextTag {
  const char* gst_name;
  mp4::FourCC key;
};

constexpr TextTag kTextTags[] = {
    {GST_TAG_TITLE, "\xa9nam"_4cc},
    {GST_TAG_ARTIST,
     "\xa9"
     "ART"_4cc},
    {GST_TAG_ALBUM,
     "\xa9"
     "alb"_4cc},
    {GST_TAG_COMMENT,
     "\xa9"
     "cmt"_4cc},
    {GST_TAG_DESCRIPTION, "desc"_4cc},
    {GST_TAG_COPYRIGHT, "cprt"_4cc},
    {GST_TAG_GENRE, "\xa9gen"_4cc},
    {GST_TAG_COMPOSER, "\xa9wrt"_4cc},
};
constexpr mp4::FourCC kEncoderKey = "\xa9too"_4cc;
constexpr mp4::FourCC kDateKey =
    "\xa9"
    "day"_4cc;

void add_date(const GstTagList* tags, std::vector<mp4::MovieTag>& result) {
  GstDateTime* time = nullptr;
  GDate* day = nullptr;
  if (!gst_tag_list_get_date_time(tags, GST_TAG_DATE_TIME, &time) &&
      gst_tag_list_get_date(tags, GST_TAG_DATE, &day)) {
    time = gst_date_time_new_ymd(g_date_get_year(day), static_cast<gint>(g_date_get_month(day)),
                                 g_date_get_day(day));
    g_date_free(day);
  }
  if (!time) return;
  const auto date = GstRef<GstDateTime>::adopt(time);
  if (GString8 text{gst_date_time_to_iso8601_string(date.get())})
    result.push_back({kDateKey, text.get()});
}

void read_language(const GstTagList* tags, mp4::TrackTags& result) {
  char* text = nullptr;
  if (!gst_tag_list_get_string(tags, GST_TAG_LANGUAGE_CODE, &text)) return;
  const GString8 language(text);
  const char* code = gst_tag_get_language_code_iso_639_2T(language.get());
  if (code && std::strlen(code) == 3) std::copy_n(code, 3, result.language.begin());
}

void read_orientation(const GstTagList* tags, mp4::TrackTags& result) {
  char* text = nullptr;
  if (!gst_tag_list_get_string(tags, GST_TAG_IMAGE_ORIENTATION, &text)) return;
  const GString8 name(text);
  const bool mirrored = g_str_has_prefix(name.get(), "flip-rotate-");
  if (!mirrored && !g_str_has_prefix(name.get(), "rotate-")) return;
  const auto degrees = g_ascii_strtoll(std::strrchr(name.get(), '-') + 1, nullptr, 10);
  if (degrees % 90 == 0 && degrees >= 0 && degrees < 360)
    result.orientation = {static_cast<int>(degrees), mirrored};
}

// Always names the encoder; the rest as far as the tags (which may be NULL) have it.
std::vector<mp4::MovieTag> movie_tags(const GstTagList* tags) {
  std::vector<mp4::MovieTag> result;
  std::string encoder = "trailingmp4sink " PACKAGE_VERSION;
  if (tags) {
    for (const TextTag& tag : kTextTags) {
      char* text = nullptr;
      if (!gst_tag_list_get_string(tags, tag.gst_name, &text)) continue;
      result.push_back({tag.key, GString8(text).get()});
    }
    add_date(tags, result);
  }
  result.push_back({kEncoderKey, encoder});
  return result;
}

}  // namespace

void MovieTags::forget() {
  const std::lock_guard lock(mutex_);
  from_pads_ = {};
}

void MovieTags::merge(const GstTagList* tags) {
  const std::lock_guard lock(mutex_);
  from_pads_ =
      GstRef<GstTagList>::adopt(gst_tag_list_merge(from_pads_.get(), tags, GST_TAG_MERGE_REPLACE));
}

std::vector<mp4::MovieTag> MovieTags::with(GstTagSetter* application) {
  const std::lock_guard lock(mutex_);
  const auto all = GstRef<GstTagList>::adopt(
      gst_tag_list_merge(gst_tag_setter_get_tag_list(application), from_pads_.get(),
                         gst_tag_setter_get_tag_merge_mode(application)));
  return movie_tags(all.get());
}

void read_track_tags(const GstTagList* tags, mp4::TrackTags& result) {
  read_language(tags, result);
  read_orientation(tags, result);
}

}  // namespace trailingmp4
