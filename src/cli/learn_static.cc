#include "cli/learn_static.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "abi/syscalls.h"
#include "base/text.h"
#include "cli/commands.h"
#include "learn/static_calls.h"

namespace bailey::cli {
namespace {

// Of programs that a run executed, looked at without being asked for: the larger take seconds.
constexpr std::size_t kMostPrograms = 16;
constexpr std::uint64_t kMostBytes = 32u << 20;

using Names = std::map<abi::Arch, std::set<std::string>>;

void AddNames(const elf::Bound& bound, Names& names) {
  for (const auto& [call, where] : bound.calls) {
    const std::string_view name = abi::Name(call.first, call.second);
    names[call.first].insert(name.empty() ? fmt::format("#{}", call.second) : std::string(name));
  }
}

// Names in lines of a page's width.
std::string Wrapped(const std::set<std::string>& names) {
  constexpr std::size_t kWidth = 96;
  std::string text, line;
  for (const std::string& name : names) {
    if (!line.empty() && line.size() + 1 + name.size() > kWidth) {
      text += "  " + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + name;
  }
  return line.empty() ? text : text + "  " + line + "\n";
}

}  // namespace

int RunStatic(const std::string& file) {
  std::error_code error;
  const auto path = std::filesystem::canonical(file, error);
  if (error) return Fail("learn", base::SystemError("read " + file, error.value()));
  learn::StaticCalls calls;
  const auto bound = calls.Of(path.string());
  if (!bound) return Fail("learn", bound.error());
  Names names;
  AddNames(bound->calls, names);
  const std::size_t libraries = bound->files.size() - 1;
  const std::string of = libraries == 0   ? ""
                         : libraries == 1 ? " and a library"
                                          : fmt::format(" and {} libraries", libraries);
  for (const auto& [arch, calls_of_arch] : names)
    fmt::print("{}: {}{} can make {} calls at most:\n{}", abi::Info(arch).name,
               base::Escape(bound->files[0]), of, calls_of_arch.size(), Wrapped(calls_of_arch));
  for (const elf::Opening& one : bound->calls.open)
    fmt::print("any call, because of {}: {}\n", one.where, one.why);
  for (const elf::Opening& one : bound->calls.loading)
    fmt::print("not looked at: what {} loads by {}\n", one.where, one.why);
  return bound->calls.open.empty() ? kYes : kUnknown;
}

std::string StaticSummary(const learn::Profile& profile) {
  learn::StaticCalls calls;
  Names names;
  std::size_t programs = 0, left_out = 0;
  std::string open;
  for (const auto& [path, use] : profile.paths) {
    if (!use.execute || learn::StaticCalls::SizeOf(path) == 0) continue;
    if (programs == kMostPrograms || learn::StaticCalls::SizeOf(path) > kMostBytes) {
      ++left_out;
      continue;
    }
    const auto bound = calls.Of(path);
    if (!bound) {
      ++left_out;
      continue;
    }
    ++programs;
    AddNames(bound->calls, names);
    if (open.empty() && !bound->calls.open.empty()) open = bound->calls.open[0].where;
  }
  if (programs == 0) return {};
  std::size_t at_most = 0, unseen = 0;
  for (const auto& [arch, calls_of_arch] : names) {
    at_most += calls_of_arch.size();
    for (const std::string& name : calls_of_arch)
      unseen += profile.calls.contains({arch, name}) ? 0 : 1;
  }
  std::string text = fmt::format("by {} file{} and libraries at most {} calls, {} of them not seen",
                                 programs, programs == 1 ? "" : "s", at_most, unseen);
  if (!open.empty()) text += fmt::format("; and any, because of {}", open);
  if (left_out > 0) text += fmt::format("; {} programs were not looked at", left_out);
  return text + " (bailey learn --static FILE)";
}

}  // namespace bailey::cli
