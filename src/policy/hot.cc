#include "policy/hot.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "abi/syscalls.h"
#include "policy/table_reader.h"

namespace bailey::policy {
namespace {

using nlohmann::json;

base::Error Fault(std::string_view file, std::string cause) {
  base::Error error = base::InvalidInput("read frequencies: " + std::move(cause));
  error.location.file = file;
  return error;
}

base::Error NotJson(std::string_view text, std::string_view file, std::size_t byte) {
  const std::string_view before = text.substr(0, byte == 0 ? 0 : byte - 1);
  base::Error error = Fault(file, "it is not JSON");
  error.location.line = static_cast<std::uint32_t>(std::ranges::count(before, '\n') + 1);
  error.location.column = static_cast<std::uint32_t>(before.size() - (before.rfind('\n') + 1) + 1);
  return error;
}

base::Status ReadCalls(const json& counts, abi::Arch arch, std::string_view file, Hot& hot) {
  const std::string where = fmt::format("calls.{}", abi::Info(arch).name);
  if (!counts.is_object()) return Fault(file, where + " is not an object");
  for (const auto& [name, count] : counts.items()) {
    if (!abi::Number(arch, name)) {
      std::vector<std::string_view> names;
      for (const abi::Syscall& call : abi::Syscalls(arch)) names.push_back(call.name);
      return Fault(file, fmt::format("{}: {} is no system call of {}{}", where, Quote(name),
                                     abi::Info(arch).name, Suggestion(name, names)));
    }
    if (!count.is_number_unsigned()) {
      return Fault(file, fmt::format("{}.{} is not a whole number from 0 on", where, name));
    }
    hot[arch][name] = count.get<std::uint64_t>();
  }
  return {};
}

base::Result<Hot> ReadHot(const json& profile, std::string_view file) {
  if (!profile.is_object()) return Fault(file, "it is not an object");
  for (const auto& [key, value] : profile.items()) {
    if (key != "version" && key != "calls") {
      return Fault(file, fmt::format("unknown member {} (there are: version, calls)", Quote(key)));
    }
  }
  const auto version = profile.find("version");
  if (version == profile.end() || *version != 1) return Fault(file, "\"version\" is not 1");
  const auto calls = profile.find("calls");
  if (calls == profile.end() || !calls->is_object()) {
    return Fault(file, "\"calls\" is not an object");
  }
  Hot hot;
  for (const auto& [name, counts] : calls->items()) {
    const auto arch = abi::FindArch(name);
    if (!arch || abi::Info(*arch).name != name) {
      std::vector<std::string_view> names;
      for (const abi::ArchInfo& info : abi::AllArchs()) names.push_back(info.name);
      return Fault(file, fmt::format("calls: unknown architecture {}{}", Quote(name),
                                     Suggestion(name, names)));
    }
    if (auto status = ReadCalls(counts, *arch, file, hot); !status) return status.error();
  }
  return hot;
}

}  // namespace

base::Result<Hot> ParseHot(std::string_view text, std::string_view file) {
  try {
    return ReadHot(json::parse(text), file);
  } catch (const json::parse_error& error) {
    return NotJson(text, file, error.byte);
  } catch (const json::out_of_range&) {
    return Fault(file, "a number in it is larger than any");
  }
}

}  // namespace bailey::policy
