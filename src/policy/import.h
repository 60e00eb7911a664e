// Filters in the formats of others, as policies: which format a text is in, and its importer.
//
//   auto policy = policy::Import(text, "vmm.json", {.thread = "vcpu"});
//   if (!policy)
//     return policy.error();   // "read filter vmm.json: it has the filters of several..."
//
// What each format means is said in import_oci.h, import_firecracker.h and import_systemd.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "policy/policy.h"

namespace bailey::policy {

enum class Format : std::uint8_t { kOci, kFirecracker, kSystemd };
// "oci", "firecracker", "systemd".
std::optional<Format> FindFormat(std::string_view name);
std::string_view ToString(Format format);
// By what stands in the text; what is like none of them is taken for OCI's, whose importer says
// what is wrong with it.
Format DetectFormat(std::string_view text);

struct ImportOptions {
  std::optional<Format> format;           // none: detected
  std::string thread;                     // of Firecracker's; empty: the only one
  std::vector<std::string> capabilities;  // of OCI's container; empty: what Docker gives
  std::vector<abi::Arch> architectures;   // empty: as the text says, for `native`
  abi::Arch native = abi::NativeArch();
};

// A policy with nothing but system calls. `file` is what errors call the text. An option that the
// format has no use for is an error.
base::Result<Policy> Import(std::string_view text, std::string_view file,
                            const ImportOptions& options = {});

}  // namespace bailey::policy
