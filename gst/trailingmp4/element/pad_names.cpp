// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trailingmp4/element/pad_names.h"

#include "trailingmp4/base/gst_ref.h"

namespace trailingmp4 {

std::string PadNames::reserve(GstElement* element, GstPadTemplate* templ) {
  const std::string pattern = GST_PAD_TEMPLATE_NAME_TEMPLATE(templ);
  const std::string prefix = pattern.substr(0, pattern.find('%'));
  const std::lock_guard lock(mutex_);
  for (unsigned number = 0;; ++number) {
    const std::string name = prefix + std::to_string(number);
    if (GstRef<GstPad>::adopt(gst_element_get_static_pad(element, name.c_str()))) continue;
    if (reserved_.insert(name).second) return name;
  }
}

void PadNames::release(const std::string& name) {
  const std::lock_guard lock(mutex_);
  reserved_.erase(name);
}

}  // namespace trailingmp4
