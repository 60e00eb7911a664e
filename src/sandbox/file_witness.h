// `[audit] files`: which paths that a program names the sandbox withholds from it.
//
// Calls that name a path are handed to the supervisor, which looks the path up in the plan, notes
// what will be withheld, and lets the call go on: mounts and Landlock decide, not this. A path is
// followed through the links that the plan makes, and not through those of the files it shows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "abi/paths.h"
#include "audit/decode.h"
#include "audit/event.h"
#include "bpf/instruction.h"
#include "sandbox/root.h"

namespace bailey::sandbox {

enum class Withholding : std::uint8_t {
  kNot,       // it is shown, and may be used so
  kHidden,    // covered
  kReadOnly,  // shown, and not to be changed
  kNotShown,  // outside of what is shown
};
// What the planned root does to a use of `path`, which is absolute and in normal form.
Withholding Judge(const RootPlan& root, const std::string& path, abi::PathUse use);

// "/a/b" for "x/../b" at "/a".
std::string NormalPath(std::string_view at, std::string_view path);

// Where a path of a call starts: "/", or the directory of the task that it is relative to, as the
// task sees it. nullopt where that is gone, or outside of what the task sees.
std::optional<std::string> StartOf(const abi::PathArgument& argument, const bpf::SeccompData& call,
                                   std::int32_t task, std::string_view path);
// kOpen as the flags have it: kWrite where they would change something, else kRead.
abi::PathUse UseOf(const abi::PathArgument& path, const bpf::SeccompData& data);

struct WithheldFile {
  std::string path, access, reason;
  std::uint64_t count = 0;
  bool operator==(const WithheldFile&) const = default;
};

class FileWitness {
 public:
  explicit FileWitness(const RootPlan& root) : root_(root) {}

  // An event where a path of this call will be withheld, and is there outside.
  std::optional<audit::Event> Look(const bpf::SeccompData& call, std::int32_t task,
                                   const audit::Memory& memory);
  // The same of a call in a machine, whose image shows what the plan does not know of. By argument:
  // what its path is there, absolute, and whether that is there; nullopt for no path.
  struct Named {
    std::string path;
    bool is_there = false;
  };
  using Names = std::function<std::optional<Named>(const abi::PathArgument&)>;
  std::optional<audit::Event> LookInMachine(const bpf::SeccompData& call, const Names& names);
  // The most frequent first; at most a thousand different ones are told apart.
  std::vector<WithheldFile> Withheld() const;
  std::uint64_t Total() const { return total_; }

 private:
  // One that is withheld: it is counted.
  audit::Event Note(std::string_view call, const std::string& path, abi::PathUse use,
                    Withholding judged);

  const RootPlan& root_;
  std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

}  // namespace bailey::sandbox
