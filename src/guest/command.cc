#include "guest/command.h"

#include <cstring>

namespace bailey::guest {

char* Command::Keep(std::string_view text) {
  if (text.size() >= kRoom - used_ || text.find('\0') != std::string_view::npos) return nullptr;
  char* const at = room_.data() + used_;
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  at[text.size()] = '\0';
  used_ += text.size() + 1;
  return at;
}

bool Command::KeepView(std::string_view& text) {
  const char* const kept = Keep(text);
  if (kept) text = {kept, text.size()};
  return kept != nullptr;
}

bool Command::AddWord(const Frame& frame, std::array<char*, kMostWords + 1>& words,
                      std::size_t& count) {
  if (count == kMostWords) return false;
  words[count] = Keep({reinterpret_cast<const char*>(frame.body.data()), frame.body.size()});
  return words[count++] != nullptr;
}

bool Command::AddFilter(const Frame& frame) {
  used_ = (used_ + 7) / 8 * 8;
  if (filter_count == kMostFilters || used_ > kRoom || frame.body.size() > kRoom - used_ ||
      frame.body.empty())
    return false;
  auto* const at = reinterpret_cast<std::uint8_t*>(room_.data() + used_);
  std::memcpy(at, frame.body.data(), frame.body.size());
  used_ += frame.body.size();
  filters[filter_count++] = {at, frame.body.size()};
  return true;
}

bool Command::AddMount(const Frame& frame) {
  if (mount_count == kMostMounts) return false;
  Mount& mount = mounts[mount_count];
  // The root first, and once.
  if (!Decode(frame.body, mount) || (mount.kind == Mount::Kind::kRoot) != (mount_count == 0))
    return false;
  ++mount_count;
  return KeepView(mount.drive) && KeepView(mount.path) && KeepView(mount.name);
}

void Command::Clear() {
  argv = environment = {};
  arguments = variables = 0;
  grant_count = limit_count = mount_count = filter_count = 0;
  watch_count = naming_count = 0;
  listens = has_network = rehearses = false;
  start = {};
  is_complete = false;
  shape_fits_ = true;
  shape_size_ = used_ = 0;
}

void Command::AddShape(const Frame& frame) {
  if (frame.type == FrameType::kArgument || frame.type == FrameType::kVariable ||
      frame.type == FrameType::kListen || frame.type == FrameType::kRehearse)
    return;
  const auto put = [this](const void* bytes, std::size_t size) {
    shape_fits_ = shape_fits_ && size <= kMostShape - shape_size_;
    if (!shape_fits_ || size == 0) return;
    std::memcpy(shape_.data() + shape_size_, bytes, size);
    shape_size_ += size;
  };
  const auto size = static_cast<std::uint32_t>(frame.body.size());
  put(&frame.type, sizeof(frame.type));
  put(&size, sizeof(size));
  put(frame.body.data(), size);
}

bool Command::Add(const Frame& frame) {
  if (is_complete) return false;
  AddShape(frame);
  switch (frame.type) {
    case FrameType::kArgument:
      return AddWord(frame, argv, arguments);
    case FrameType::kVariable:
      return AddWord(frame, environment, variables);
    case FrameType::kFilter:
      return AddFilter(frame);
    case FrameType::kMount:
      return AddMount(frame);
    case FrameType::kGrant: {
      if (grant_count == kMostGrants) return false;
      Grant& grant = grants[grant_count++];
      return Decode(frame.body, grant) && KeepView(grant.path);
    }
    case FrameType::kLimit:
      return limit_count < kMostLimits && Decode(frame.body, limits[limit_count++]);
    case FrameType::kListen:
      listens = Decode(frame.body, listen);
      return listens;
    case FrameType::kWatch:
      return watch_count < kMostWatches && Decode(frame.body, watches[watch_count++]);
    case FrameType::kNaming:
      return naming_count < kMostNamings && Decode(frame.body, namings[naming_count++]);
    case FrameType::kSending:
      return sending_count < kMostSendings && Decode(frame.body, sendings[sending_count++]);
    case FrameType::kNetwork:
      has_network = !has_network && Decode(frame.body, network) && KeepView(network.name) &&
                    KeepView(network.refused_name) && KeepView(network.text);
      return has_network;
    case FrameType::kRehearse:
      rehearses = true;
      return true;
    case FrameType::kStart:
      is_complete = Decode(frame.body, start) && KeepView(start.workdir) &&
                    KeepView(start.hostname) && arguments > 0 && mount_count > 0 &&
                    (!listens || filter_count > 0);
      return is_complete;
    default:
      return false;
  }
}

}  // namespace bailey::guest
