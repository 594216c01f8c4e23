// SPDX-License-Identifier: LGPL-2.1-or-later
#include "message_log.h"

#include <chrono>

namespace bench {
namespace {

constexpr std::chrono::seconds kPatience{20};

bool matches(GstMessage* message, GstMessageType type, const std::string& name) {
  if (GST_MESSAGE_TYPE(message) != type) return false;
  return name.empty() || gst_message_has_name(message, name.c_str());
}

}  // namespace

MessageLog::MessageLog() : bus_(gst_bus_new()) {
  gst_bus_set_sync_handler(bus_.get(), handle, this, nullptr);
}

MessageLog::~MessageLog() { gst_bus_set_sync_handler(bus_.get(), nullptr, nullptr, nullptr); }

GstBusSyncReply MessageLog::handle(GstBus*, GstMessage* message, gpointer self) {
  auto* log = static_cast<MessageLog*>(self);
  if (log->handler_) log->handler_(message);
  const std::lock_guard lock(log->mutex_);
  log->messages_.emplace_back(message);  // who drops a message owns it
  log->changed_.notify_all();
  return GST_BUS_DROP;
}

GstMessage* MessageLog::find(GstMessageType type, const std::string& name, int number) {
  for (const auto& message : messages_)
    if (matches(message.get(), type, name) && number-- == 0) return message.get();
  return nullptr;
}

int MessageLog::count(GstMessageType type, const std::string& name) {
  const std::lock_guard lock(mutex_);
  int found = 0;
  for (const auto& message : messages_)
    if (matches(message.get(), type, name)) ++found;
  return found;
}

Owned<GstMessage> MessageLog::wait_for(GstMessageType type, const std::string& name, int number) {
  std::unique_lock lock(mutex_);
  GstMessage* found = nullptr;
  changed_.wait_for(lock, kPatience, [&] { return (found = find(type, name, number)) != nullptr; });
  return Owned<GstMessage>(found ? gst_message_ref(found) : nullptr);
}

std::vector<std::string> MessageLog::names() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& message : messages_) {
    const GstStructure* details = gst_message_get_structure(message.get());
    const bool named = GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ELEMENT && details;
    names.emplace_back(named ? gst_structure_get_name(details)
                             : GST_MESSAGE_TYPE_NAME(message.get()));
  }
  return names;
}

std::string MessageLog::text(GstMessageType type, int number) {
  const std::lock_guard lock(mutex_);
  GstMessage* message = find(type, "", number);
  if (!message) return "";
  GError* error = nullptr;
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error(message, &error, nullptr);
  else
    gst_message_parse_warning(message, &error, nullptr);
  const std::string text = error ? error->message : "";
  g_clear_error(&error);
  return text;
}

void MessageLog::clear() {
  std::vector<Owned<GstMessage>> gone;
  const std::lock_guard lock(mutex_);
  std::swap(gone, messages_);
}

}  // namespace bench
