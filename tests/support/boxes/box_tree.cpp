// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Box headers (4.2) and containers, and which boxes a container may, must and must not repeat.
#include "box_tree.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace boxes {
namespace {

constexpr size_t kHeader = 8;
constexpr size_t kLargeHeader = 16;

const std::set<std::string_view> kTopLevel = {"ftyp", "styp", "moov", "moof", "mdat", "mfra",
                                              "sidx", "ssix", "free", "skip", "wide", "uuid",
                                              "meta", "pdin", "prft", "emsg"};
const std::set<std::string_view> kLoaded = {"ftyp", "styp", "moov", "moof", "mfra", "sidx"};
const std::set<std::string_view> kContainers = {"moov", "trak", "edts", "mdia", "minf",
                                                "dinf", "stbl", "mvex", "moof", "traf",
                                                "mfra", "udta", "ilst", "tref"};

// What a container must hold, may hold once, and may hold several times.
struct Rule {
  std::set<std::string_view> required;
  std::set<std::string_view> optional;
  std::set<std::string_view> repeatable;
};

const std::map<std::string_view, Rule> kRules = {
    {"moov", {{"mvhd", "trak"}, {"mvex", "udta", "meta", "iods"}, {"trak"}}},
    {"trak", {{"tkhd", "mdia"}, {"edts", "tref", "udta", "meta"}, {}}},
    {"edts", {{"elst"}, {}, {}}},
    {"mdia", {{"mdhd", "hdlr", "minf"}, {"elng"}, {}}},
    {"minf", {{"dinf", "stbl"}, {"vmhd", "smhd", "hmhd", "nmhd", "sthd"}, {}}},
    {"dinf", {{"dref"}, {}, {}}},
    {"stbl",
     {{"stsd", "stts", "stsc"},
      {"stsz", "stz2", "stco", "co64", "stss", "ctts", "cslg", "sdtp", "stsh", "padb", "stdp"},
      {"sbgp", "sgpd", "subs", "saiz", "saio"}}},
    {"mvex", {{"trex"}, {"mehd", "leva"}, {"trex"}}},
    {"moof", {{"mfhd"}, {"meta"}, {"traf"}}},
    {"traf", {{"tfhd"}, {"tfdt", "sdtp"}, {"trun", "sbgp", "sgpd", "subs", "saiz", "saio"}}},
    {"mfra", {{"mfro"}, {}, {"tfra"}}},
};

uint64_t big_endian(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (const uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

// Fills type, size and header_size from the first bytes of a box; size 0 stands for "to the end".
bool decode_header(std::span<const uint8_t> bytes, Box& box) {
  if (bytes.size() < kHeader) return false;
  box.size = big_endian(bytes.first(4));
  box.type.assign(reinterpret_cast<const char*>(bytes.data()) + 4, 4);
  box.header_size = kHeader;
  if (box.size != 1) return true;
  if (bytes.size() < kLargeHeader) return false;
  box.size = big_endian(bytes.subspan(8, 8));
  box.header_size = kLargeHeader;
  return box.size >= kLargeHeader;
}

bool is_padding(std::string_view type) {
  return type == "free" || type == "skip" || type == "uuid" || type == "wide";
}

unsigned long long ull(uint64_t value) { return value; }

}  // namespace

std::span<const uint8_t> Box::payload() const {
  if (!loaded) return {};
  return std::span<const uint8_t>(*loaded).subspan(payload_begin, payload_size);
}

const Box* Box::child(std::string_view child_type) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const Box& box) { return box.type == child_type; });
  return found == children.end() ? nullptr : &*found;
}

Box* find_box(std::vector<Box>& boxes, std::string_view type) {
  const auto found =
      std::find_if(boxes.begin(), boxes.end(), [&](const Box& box) { return box.type == type; });
  return found == boxes.end() ? nullptr : &*found;
}

std::vector<Box> BoxTree::read() {
  std::vector<Box> top;
  uint64_t offset = 0;
  while (offset < file_.size()) {
    Box box;
    if (!next_top_level(offset, box)) break;
    if (++box_count_ > kMostBoxes) {
      problems_.add("file: more boxes than this reader accepts");
      break;
    }
    if (!kTopLevel.contains(box.type)) problems_.at(box, "unknown at the top level");
    if (kLoaded.contains(box.type)) load(box);
    const bool once = box.type == "ftyp" || box.type == "moov" || box.type == "mfra";
    if (once && find_box(top, box.type)) problems_.at(box, "there is more than one");
    offset = box.size > file_.size() - offset ? file_.size() : offset + box.size;
    top.push_back(std::move(box));
  }
  return top;
}

bool BoxTree::next_top_level(uint64_t offset, Box& box) {
  const uint64_t left = file_.size() - offset;
  std::array<uint8_t, kLargeHeader> bytes{};
  const auto there = std::span(bytes).first(std::min<uint64_t>(left, bytes.size()));
  if (!file_.read(offset, there) || !decode_header(there, box)) {
    problems_.add(
        text("file: the %llu bytes at offset %llu are not a box", ull(left), ull(offset)));
    return false;
  }
  box.offset = offset;
  box.path = printable(box.type);
  if (box.size == 0) {
    problems_.at(box, "size 0, the box reaches to the end of the file");
    box.size = left;
  }
  if (box.size < box.header_size) {
    problems_.at(box, text("size %llu is less than its header", ull(box.size)));
    return false;
  }
  if (box.size > left) {
    problems_.at(box, text("size %llu reaches %llu bytes beyond the end of the file", ull(box.size),
                           ull(box.size - left)));
  }
  return true;
}

void BoxTree::load(Box& box) {
  const uint64_t end = std::min(box.size, file_.size() - box.offset);
  const uint64_t wanted = end > box.header_size ? end - box.header_size : 0;
  if (wanted > kMostLoadedBytes - loaded_bytes_) {
    problems_.at(box, text("%llu bytes are more than this reader loads", ull(wanted)));
    return;
  }
  auto bytes = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(wanted));
  if (!file_.read(box.offset + box.header_size, *bytes)) {
    problems_.at(box, "cannot be read");
    return;
  }
  loaded_bytes_ += wanted;
  box.payload_size = bytes->size();
  box.loaded = std::move(bytes);
  split_known(box);
}

// Goes into the boxes whose children are found without knowing the media.
void BoxTree::split_known(Box& parent) {
  if (kContainers.contains(parent.type)) return split(parent, 0);
  if (parent.type == "stsd" || parent.type == "dref") return split(parent, 8);
  if (parent.type != "meta") return;
  const auto payload = parent.payload();
  const bool quicktime =
      payload.size() >= 8 && std::equal(payload.begin() + 4, payload.begin() + 8, "hdlr");
  if (quicktime) problems_.at(parent, "has no version and flags");
  split(parent, quicktime ? 0 : 4);
}

void BoxTree::split(Box& parent, size_t prefix) {
  if (depth_ >= kDeepest) return problems_.at(parent, "boxes are nested too deep");
  depth_++;
  std::map<std::string, int> seen;
  size_t position = std::min(prefix, parent.payload_size);
  while (position < parent.payload_size) {
    Box box;
    if (!next_child(parent, position, box)) break;
    const int index = seen[box.type]++;
    box.path = parent.path + "/" + printable(box.type);
    if (box.type == "trak" || index > 0) box.path += text("[%d]", index);
    position += box.header_size + box.payload_size;
    if (parent.type == "ilst") {
      split(box, 0);
    } else {
      split_known(box);
    }
    parent.children.push_back(std::move(box));
  }
  check_children(parent);
  depth_--;
}

bool BoxTree::next_child(const Box& parent, size_t position, Box& box) {
  const auto bytes = parent.payload().subspan(position);
  const uint64_t offset = parent.offset + parent.header_size + position;
  if (++box_count_ > kMostBoxes) {
    problems_.at(parent, "more boxes than this reader accepts");
    return false;
  }
  if (!decode_header(bytes, box) || box.size < box.header_size) {
    problems_.at(parent, text("%zu bytes at offset %llu are not a box", bytes.size(), ull(offset)));
    return false;
  }
  box.offset = offset;
  box.loaded = parent.loaded;
  box.payload_begin = parent.payload_begin + position + box.header_size;
  box.payload_size = std::min<uint64_t>(box.size, bytes.size()) - box.header_size;
  if (box.size > bytes.size()) {
    problems_.at(parent,
                 text("child %s at offset %llu reaches %llu bytes beyond it",
                      printable(box.type).c_str(), ull(offset), ull(box.size - bytes.size())));
  }
  if (box.header_size == kLargeHeader && box.size <= UINT32_MAX) {
    problems_.at(parent, "child " + printable(box.type) + " has a 64-bit size without need");
  }
  return true;
}

void BoxTree::check_children(const Box& parent) {
  const auto rule = kRules.find(parent.type);
  if (rule == kRules.end()) return;
  const auto& [required, optional, repeatable] = rule->second;
  std::set<std::string_view> seen;
  for (const Box& box : parent.children) {
    if (is_padding(box.type)) continue;
    const bool once = required.contains(box.type) || optional.contains(box.type);
    if (!once && !repeatable.contains(box.type)) {
      problems_.at(box, "unknown in " + parent.type);
    } else if (!seen.insert(box.type).second && !repeatable.contains(box.type)) {
      problems_.at(box, "there is more than one");
    }
  }
  for (const std::string_view type : required) {
    if (!seen.contains(type)) problems_.at(parent, "has no " + std::string(type));
  }
}

}  // namespace boxes
