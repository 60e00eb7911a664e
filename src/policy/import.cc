#include "policy/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "policy/import_firecracker.h"
#include "policy/import_oci.h"
#include "policy/import_systemd.h"

namespace bailey::policy {
namespace {

constexpr std::pair<std::string_view, Format> kFormats[] = {
    {"oci", Format::kOci}, {"firecracker", Format::kFirecracker}, {"systemd", Format::kSystemd}};

// What an option is for, when it is there and the format has no use for it.
base::Status CheckOptions(Format format, std::string_view file, const ImportOptions& options) {
  const auto refuse = [&](std::string_view option, std::string_view needs) {
    return base::InvalidInput(fmt::format("read {}: {} is for {}, and this is {}",
                                          base::Escape(file), option, needs, ToString(format)));
  };
  if (format != Format::kOci && !options.capabilities.empty()) {
    return refuse("a capability", "oci");
  }
  if (format != Format::kFirecracker && !options.thread.empty()) {
    return refuse("a thread", "firecracker");
  }
  if (format == Format::kFirecracker && options.architectures.size() > 1) {
    return base::InvalidInput(
        fmt::format("read {}: {} filters are for one architecture, not for {}", base::Escape(file),
                    ToString(format), options.architectures.size()));
  }
  return {};
}

base::Result<Policy> ImportThread(std::string_view text, std::string_view file,
                                  const ImportOptions& options) {
  const abi::Arch arch =
      options.architectures.empty() ? options.native : options.architectures.front();
  auto threads = ImportFirecracker(text, file, arch);
  if (!threads) return threads.error();
  const auto names = [&] {
    std::string all;
    for (const auto& [name, syscalls] : *threads)
      all += fmt::format("{}\"{}\"", all.empty() ? "" : ", ", base::Escape(name));
    return all;
  };
  const auto fail = [&](std::string_view cause) {
    return base::InvalidInput(fmt::format("read filter {}: {}", base::Escape(file), cause));
  };
  if (threads->empty()) return fail("it has no thread's filter");
  auto chosen = threads->begin();
  if (!options.thread.empty()) {
    chosen = threads->find(options.thread);
    if (chosen == threads->end()) {
      return fail(fmt::format("it has no thread \"{}\" (there are: {})",
                              base::Escape(options.thread), names()));
    }
  } else if (threads->size() > 1) {
    return fail(fmt::format("it has the filters of several threads, name one of {}", names()));
  }
  Policy policy;
  policy.name = chosen->first;
  policy.syscalls = std::move(chosen->second);
  return policy;
}

base::Result<Syscalls> ImportProfile(Format format, std::string_view text, std::string_view file,
                                     const ImportOptions& options) {
  if (format == Format::kOci) {
    return ImportOci(text, file,
                     {.capabilities = options.capabilities.empty() ? DefaultContainerCapabilities()
                                                                   : options.capabilities,
                      .native = options.native,
                      .architectures = options.architectures});
  }
  auto syscalls = ImportSystemd(text, file, options.native);
  if (syscalls && !options.architectures.empty()) syscalls->architectures = options.architectures;
  return syscalls;
}

}  // namespace

std::optional<Format> FindFormat(std::string_view name) {
  const auto* const found =
      std::ranges::find(kFormats, name, &std::pair<std::string_view, Format>::first);
  return found == std::end(kFormats) ? std::nullopt : std::optional(found->second);
}

std::string_view ToString(Format format) {
  return std::ranges::find(kFormats, format, &std::pair<std::string_view, Format>::second)->first;
}

Format DetectFormat(std::string_view text) {
  const auto has = [text](std::string_view word) { return text.find(word) != text.npos; };
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != text.npos && text[first] == '{';
  if (!is_json) return has("SystemCallFilter") ? Format::kSystemd : Format::kOci;
  return has("\"default_action\"") && !has("\"defaultAction\"") ? Format::kFirecracker
                                                                : Format::kOci;
}

base::Result<Policy> Import(std::string_view text, std::string_view file,
                            const ImportOptions& options) {
  const Format format = options.format.value_or(DetectFormat(text));
  if (const auto checked = CheckOptions(format, file, options); !checked) return checked.error();
  if (format == Format::kFirecracker) return ImportThread(text, file, options);
  auto syscalls = ImportProfile(format, text, file, options);
  if (!syscalls) return syscalls.error();
  Policy policy;
  policy.name = file;
  policy.syscalls = *std::move(syscalls);
  return policy;
}

}  // namespace bailey::policy
