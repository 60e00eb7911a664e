#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/filter_bytes.h"
#include "cli/input.h"
#include "cli/prove.h"
#include "compile/compile.h"
#include "policy/load.h"
#include "prove/validate.h"

namespace bailey::cli {
namespace {

bool IsPolicyName(const std::string& name) {
  if (name == "-") return false;
  if (name.ends_with(".toml")) return true;
  for (const policy::Preset& preset : policy::Presets()) {
    if (preset.name == name) return true;
  }
  struct stat status = {};
  return name.find('/') == std::string::npos && stat(name.c_str(), &status) != 0;
}

base::Result<Judged> ReadPolicy(const std::string& name) {
  const auto context = CallerContext();
  if (!context) return context.error();
  const auto policy = policy::Load(name, *context);
  if (!policy) return policy.error();
  auto program = compile::Compile(policy->syscalls);
  if (!program) return program.error();
  if (auto same = prove::Validate(policy->syscalls, *program); !same) return same.error();
  Judged judged = {policy->name,
                   prove::SubjectOf(policy->syscalls, *std::move(program)),
                   policy->guarantees,
                   {},
                   true};
  for (const policy::Guarantee& one : policy->given_up) judged.gives_up.push_back(one.name);
  return judged;
}

base::Result<bpf::Program> ReadBytes(const std::string& name, bool big_endian) {
  // One record more than the longest filter: reading it says that it is too long.
  const auto bytes = ReadInput(name, (bpf::kMaxInstructions + 1) * sizeof(bpf::Instruction));
  if (!bytes) return bytes.error();
  auto program = ReadFilter(*bytes, big_endian);
  if (!program) {
    base::Error error = program.error();
    error.text = fmt::format("{}: {}", base::Escape(name), error.text);
    return error;
  }
  return program;
}

}  // namespace

base::Result<std::vector<abi::Arch>> ReadArchs(const std::vector<std::string>& names) {
  std::vector<abi::Arch> archs;
  for (const std::string& name : names) {
    auto arch = abi::FindArch(name);
    if (name == "native") arch = abi::NativeArch();
    if (name == "compat") arch = abi::CompatArch(abi::NativeArch());
    if (!arch) {
      return base::InvalidInput(
          fmt::format("read --arch \"{}\": unknown architecture", base::Escape(name)));
    }
    archs.push_back(*arch);
  }
  return archs;
}

base::Result<Judged> ReadSubject(const std::vector<std::string>& names,
                                 const std::vector<std::string>& architectures) {
  const auto archs = ReadArchs(architectures);
  if (!archs) return archs.error();
  if (names.empty()) return base::InvalidInput("read subject: none is named");
  Judged judged;
  if (names.size() == 1 && IsPolicyName(names[0])) {
    auto policy = ReadPolicy(names[0]);
    if (!policy) return policy.error();
    judged = *std::move(policy);
  } else {
    judged.subject.listed = archs->empty() ? std::vector{abi::NativeArch()} : *archs;
    judged.subject.big_endian = abi::Info(judged.subject.listed[0]).big_endian;
    judged.subject.archs = prove::MachineArchs(judged.subject.listed);
    // What a machine may run beside its own, a filter may be for.
    if (archs->empty()) judged.subject.listed = judged.subject.archs;
    for (const std::string& name : names) {
      if (IsPolicyName(name)) {
        return base::InvalidInput(fmt::format(
            "read subject {}: a stack is made of files of filter bytes", base::Escape(name)));
      }
      auto program = ReadBytes(name, judged.subject.big_endian);
      if (!program) return program.error();
      judged.subject.stack.push_back(*std::move(program));
      judged.title += (judged.title.empty() ? "" : " + ") + name;
    }
  }
  if (!archs->empty()) judged.subject.archs = *archs;
  for (const abi::Arch arch : judged.subject.archs) {
    if (abi::Info(arch).big_endian != judged.subject.big_endian) {
      return base::InvalidInput(
          fmt::format("judge {} on {}: a filter is for machines of one byte order",
                      base::Escape(judged.title), abi::Info(arch).name));
    }
  }
  return judged;
}

}  // namespace bailey::cli
