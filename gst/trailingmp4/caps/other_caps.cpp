// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The caps of metadata and timed text. What their sample entries say is the same for all of them.
#include <string_view>

#include "mp4/base/box_writer.h"
#include "trailingmp4/caps/caps_reading.h"

namespace trailingmp4 {

using mp4::Status;
using namespace mp4::literals;

// XMLMetaDataSampleEntry (ISO/IEC 14496-12, 12.3.3.2), as the ONVIF Export File Format has it.
Status read_onvif_metadata(const GstStructure* caps, TrackCaps& result) {
  const char* encoding = gst_structure_get_string(caps, "encoding");
  if (encoding && g_ascii_strcasecmp(encoding, "utf8") != 0)
    return invalid(
        "Metadata is recorded as UTF-8 only; ask the camera for it without compression.");
  mp4::BoxWriter entry;
  entry.c_string("");                                   // content_encoding: none
  entry.c_string("http://www.onvif.org/ver10/schema");  // namespace
  entry.c_string("");                                   // schema_location
  result.config.format = "metx"_4cc;
  result.config.codec_config = entry.take();
  return {};
}

// TextSampleEntry (3GPP TS 26.245, 5.16): white, sans-serif, at the bottom, centred.
Status read_text(const GstStructure* caps, TrackCaps& result) {
  if (g_strcmp0(gst_structure_get_string(caps, "format"), "utf8") != 0)
    return invalid("Text is recorded in format utf8 only.");
  constexpr std::string_view kFont = "Sans-Serif";
  constexpr uint16_t kFontId = 1;
  mp4::BoxWriter entry;
  entry.u32(0);           // displayFlags
  entry.u8(1);            // horizontal-justification: centre
  entry.u8(0xff);         // vertical-justification: bottom
  entry.u32(0);           // background-color-rgba: none
  entry.zeros(8);         // default-text-box: the whole track
  entry.zeros(4);         // startChar, endChar
  entry.u16(kFontId);     // font-ID
  entry.u8(0);            // face-style-flags
  entry.u8(18);           // font-size
  entry.u32(0xffffffff);  // text-color-rgba
  {
    mp4::Box ftab(entry, "ftab"_4cc);
    entry.u16(1);  // entry-count
    entry.u16(kFontId);
    entry.u8(static_cast<uint8_t>(kFont.size()));  // font-name-length
    entry.text(kFont);
  }
  result.config.format = "tx3g"_4cc;
  result.config.codec_config = entry.take();
  return {};
}

}  // namespace trailingmp4
