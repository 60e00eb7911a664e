#include "policy/widening.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/text.h"

namespace bailey::policy {
namespace {

using Lines = std::vector<std::string>;

bool IsWithin(std::string_view path, const Lines& places) {
  return std::ranges::any_of(places, [&](const std::string& place) {
    return path == place || place == "/" ||
           (path.starts_with(place) && path.size() > place.size() && path[place.size()] == '/');
  });
}

void Add(Lines& lines, std::string_view what, const Lines& more) {
  for (const std::string& one : more)
    lines.push_back(fmt::format("{} {}", what, base::Escape(one)));
}

Lines Missing(const Lines& other, const Lines& usual) {
  Lines missing;
  for (const std::string& one : other)
    if (std::ranges::find(usual, one) == usual.end()) missing.push_back(one);
  return missing;
}

// Written places can be read as well.
Lines Readable(const Filesystem& filesystem) {
  Lines places = filesystem.read;
  places.insert(places.end(), filesystem.write.begin(), filesystem.write.end());
  return places;
}

void AddFiles(Lines& lines, const Filesystem& usual, const Filesystem& other) {
  const Lines readable = Readable(usual);
  for (const std::string& path : other.write)
    if (!IsWithin(path, usual.write)) Add(lines, "writes", {path});
  for (const std::string& path : other.read)
    if (!IsWithin(path, readable)) Add(lines, "reads", {path});
  for (const Bind& bind : other.binds) {
    if (std::ranges::find(usual.binds, bind) != usual.binds.end()) continue;
    lines.push_back(fmt::format("{} {} as {}", bind.write ? "writes" : "reads",
                                base::Escape(bind.from), base::Escape(bind.to)));
  }
  Add(lines, "does not hide", Missing(usual.hide, other.hide));
  Add(lines, "connects to", Missing(other.sockets, usual.sockets));
  Add(lines, "has the device", Missing(other.devices, usual.devices));
}

void AddNetwork(Lines& lines, const Network& usual, const Network& other) {
  constexpr std::array<std::string_view, 4> kModes = {"none", "allow", "nat", "host"};
  const auto name = [&](NetworkMode mode) { return kModes[static_cast<std::size_t>(mode)]; };
  if (other.mode > usual.mode) {
    lines.push_back(fmt::format("network {} instead of {}", name(other.mode), name(usual.mode)));
  } else if (other.mode == NetworkMode::kAllow && other.egress != usual.egress) {
    lines.emplace_back("reaches other hosts");
  }
}

template <typename Amount>
void AddLimit(Lines& lines, std::string_view what, const std::optional<Amount>& usual,
              const std::optional<Amount>& other) {
  if (usual && (!other || *other > *usual))
    lines.push_back(fmt::format("{}: {}", what, other ? "more of it" : "no limit"));
}

}  // namespace

std::vector<std::string> Widening(const Policy& usual, const Policy& other) {
  Lines lines;
  AddFiles(lines, usual.filesystem, other.filesystem);
  AddNetwork(lines, usual.network, other.network);
  Add(lines, "has the capability", Missing(other.process.capabilities, usual.process.capabilities));
  Add(lines, "gets the variable", Missing(other.environment.pass, usual.environment.pass));
  AddLimit(lines, "processes", usual.limits.processes, other.limits.processes);
  AddLimit(lines, "memory", usual.limits.memory, other.limits.memory);
  AddLimit(lines, "processors", usual.limits.cpu_thousandths, other.limits.cpu_thousandths);
  AddLimit(lines, "time", usual.limits.wall, other.limits.wall);
  AddLimit(lines, "output", usual.limits.output, other.limits.output);
  if (usual.syscalls.rules != other.syscalls.rules ||
      usual.syscalls.default_action != other.syscalls.default_action)
    lines.emplace_back("system calls by other rules");
  return lines;
}

}  // namespace bailey::policy
