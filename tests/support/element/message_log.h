// SPDX-License-Identifier: LGPL-2.1-or-later
//
// MessageLog: everything that an element posts, kept in order, from whatever thread it comes.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "gst_owners.h"

namespace bench {

class MessageLog {
 public:
  MessageLog();
  ~MessageLog();
  MessageLog(const MessageLog&) = delete;
  MessageLog& operator=(const MessageLog&) = delete;

  GstBus* bus() const { return bus_.get(); }

  // Called with each message in the thread that posts it, before it is in the log. Set it while
  // nothing is posted.
  void on_message(std::function<void(GstMessage*)> handler) { handler_ = std::move(handler); }

  // How many of a type there are; of element messages those of that name alone. Names of other
  // messages are not looked at.
  int count(GstMessageType type, const std::string& name = "");
  // The number-th (from 0); null if it does not come in time. wait_for(type) waits for the first.
  Owned<GstMessage> wait_for(GstMessageType type, const std::string& name = "", int number = 0);
  // Names of all messages so far: "eos", "trailingmp4sink-opened", "warning" ...
  std::vector<std::string> names();
  // The sentence of the number-th error or warning, "" if there is none.
  std::string text(GstMessageType type, int number = 0);
  void clear();

 private:
  static GstBusSyncReply handle(GstBus*, GstMessage* message, gpointer self);
  GstMessage* find(GstMessageType type, const std::string& name, int number);  // mutex_ held

  Owned<GstBus> bus_;
  std::function<void(GstMessage*)> handler_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Owned<GstMessage>> messages_;
};

}  // namespace bench
