// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The element's properties: their names, ranges, defaults and the states in which they may change.
#pragma once

#include <gst/gst.h>

#include <string>

#include "trailingmp4/base/settings.h"

namespace trailingmp4 {

void install_properties(GObjectClass* klass);

// The only property that is no setting.
bool is_stats(guint id);
// False: there is no such setting.
bool set_setting(Settings& settings, guint id, const GValue* value);
bool get_setting(const Settings& settings, guint id, GValue* value);

// " name=value" of each, for the log.
std::string settings_text(GObjectClass* klass, const Settings& settings);

}  // namespace trailingmp4
