// What a command line names, as a subject: one reader per kind. Each says what is wrong with bad
// input in one line, and gives no half of a subject.
//
//   auto subject = ReadPolicy("flatpak", context, {});
//   if (!subject) return subject.error();
//   Trial trial = Try(*subject, {});
#pragma once

#include <span>
#include <string>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "policy/load.h"
#include "review/subject.h"

namespace bailey::review {

// A preset's name or a policy's path. Its filter is compiled, and proved equal to the policy.
// `archs`: compiled for these, instead of the policy's own; judged on every one that machines which
// have one of them may run.
base::Result<Subject> ReadPolicy(const std::string& name, const policy::Context& context,
                                 std::span<const abi::Arch> archs);
// The same of a policy's text; `file` is what errors and places call it.
base::Result<Subject> ReadPolicyText(const std::string& text, const std::string& file,
                                     const policy::Context& context,
                                     std::span<const abi::Arch> archs);

// One filter as a file has it, bytes or text of a C table.
struct FilterFile {
  std::string file;
  std::string bytes;
};
// A stack, oldest first. `archs`: what it is for; empty: this machine's.
base::Result<Subject> ReadFilters(std::span<const FilterFile> filters,
                                  std::span<const abi::Arch> archs);

base::Result<Subject> ReadProcess(int pid);
// bubblewrap's arguments, without its name.
base::Result<Subject> ReadBwrap(std::span<const std::string> arguments);
// An OCI runtime's config.json.
base::Result<Subject> ReadOci(const std::string& text, const std::string& file);
// A Firecracker configuration (--config-file).
base::Result<Subject> ReadFirecracker(const std::string& text, const std::string& file);
// C, C++ or Rust, by the path's ending.
base::Result<Subject> ReadSource(const std::string& text, const std::string& path);

}  // namespace bailey::review
