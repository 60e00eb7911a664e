// Subjects that are filters: a policy's own, or bytes.
#include <fmt/format.h>

#include "abi/capabilities.h"
#include "base/text.h"
#include "compile/compile.h"
#include "prove/keep.h"
#include "prove/validate.h"
#include "review/read.h"

namespace bailey::review {
namespace {

Mount MountOf(const std::string& from, const std::string& to, bool writable,
              std::string_view file) {
  return {.from = from,
          .to = to,
          .type = "bind",
          .writable = writable,
          .nosuid = true,
          .nodev = true,
          .place = {.file = std::string(file)}};
}

// What `bailey run` makes of a policy, as sandbox::BuildPlan decides it, without this host's paths.
Confinement ConfinementOf(const policy::Policy& policy, const std::string& file) {
  Confinement confinement;
  confinement.own_namespace.fill(Known::kYes);
  const auto own = [&](Namespace kind) -> Known& {
    return confinement.own_namespace[static_cast<std::size_t>(kind)];
  };
  if (policy.network.mode == policy::NetworkMode::kHost) own(Namespace::kNetwork) = Known::kNo;
  own(Namespace::kTime) = Known::kUnknown;
  confinement.no_new_privs = confinement.landlock = confinement.seccomp = Known::kYes;
  confinement.new_session = policy.process.new_session ? Known::kYes : Known::kNo;
  confinement.runs_as_root = Known::kNo;
  std::uint64_t capabilities = 0;
  for (const std::string& name : policy.process.capabilities) {
    const int number = abi::CapabilityNumber(name);
    if (number >= 0) capabilities |= std::uint64_t{1} << number;
  }
  confinement.capabilities = capabilities;
  const policy::Filesystem& files = policy.filesystem;
  for (const std::string& path : files.read)
    confinement.mounts.push_back(MountOf(path, path, false, file));
  for (const std::string& path : files.write)
    confinement.mounts.push_back(MountOf(path, path, true, file));
  for (const std::string& path : files.sockets)
    confinement.mounts.push_back(MountOf(path, path, true, file));
  for (const policy::Bind& bind : files.binds)
    confinement.mounts.push_back(MountOf(bind.from, bind.to, bind.write, file));
  for (const std::string& path : files.tmpfs) {
    Mount mount = MountOf("", path, true, file);
    mount.type = "tmpfs";
    confinement.mounts.push_back(std::move(mount));
  }
  confinement.environment = policy.environment.pass;
  confinement.place = {.file = file};
  return confinement;
}

base::Status CheckOrder(const prove::Subject& filter, const std::string& name) {
  for (const abi::Arch arch : filter.archs) {
    if (abi::Info(arch).big_endian == filter.big_endian) continue;
    return base::InvalidInput(
        fmt::format("judge {} on {}: a filter is for machines of one byte order",
                    base::Escape(name), abi::Info(arch).name));
  }
  return {};
}

// Its filter is made for them too: one for other machines would only be judged foreign there.
policy::Overrides For(std::span<const abi::Arch> archs) {
  policy::Overrides overrides;
  for (const abi::Arch arch : archs) overrides.architectures.emplace_back(abi::Info(arch).name);
  return overrides;
}

base::Result<Subject> SubjectOf(const policy::Policy& policy, const std::string& file) {
  auto program = compile::Compile(policy.syscalls);
  if (!program) return program.error();
  if (auto same = prove::Validate(policy.syscalls, *program); !same) return same.error();
  for (const policy::Guarantee& kept : policy.guarantees) {
    bool is_known = false;
    for (const prove::Guarantee& one : prove::BuiltinGuarantees())
      is_known = is_known || one.name == kept.name;
    if (!is_known) return prove::NoSuchGuarantee(kept.name, kept.location);
  }
  Subject subject;
  subject.title = "policy " + policy.name;
  subject.file = file;
  subject.filter = prove::SubjectOf(policy.syscalls, *std::move(program));
  if (auto fits = CheckOrder(*subject.filter, file); !fits) return fits.error();
  subject.policy = policy;
  subject.confinement = ConfinementOf(policy, file);
  return subject;
}

}  // namespace

base::Result<Subject> ReadPolicy(const std::string& name, const policy::Context& context,
                                 std::span<const abi::Arch> archs) {
  const auto policy = policy::Load(name, context, For(archs));
  if (!policy) return policy.error();
  return SubjectOf(*policy, name);
}

base::Result<Subject> ReadPolicyText(const std::string& text, const std::string& file,
                                     const policy::Context& context,
                                     std::span<const abi::Arch> archs) {
  const auto policy = policy::Parse(text, file, context, For(archs));
  if (!policy) return policy.error();
  return SubjectOf(*policy, file);
}

base::Result<Subject> ReadFilters(std::span<const FilterFile> filters,
                                  std::span<const abi::Arch> archs) {
  Subject subject;
  prove::Subject& filter = subject.filter.emplace();
  filter.listed.assign(archs.begin(), archs.end());
  if (filter.listed.empty()) filter.listed = {abi::NativeArch()};
  filter.big_endian = abi::Info(filter.listed[0]).big_endian;
  filter.archs = prove::MachineArchs(filter.listed);
  // What a machine may run beside its own, a filter may be for.
  if (archs.empty()) filter.listed = filter.archs;
  if (!archs.empty()) filter.archs = filter.listed;
  for (const FilterFile& one : filters) {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(one.bytes.data());
    auto program = bpf::ReadAs({bytes, one.bytes.size()}, filter.big_endian);
    if (!program) {
      base::Error error = program.error();
      error.text = fmt::format("{}: {}", base::Escape(one.file), error.text);
      return error;
    }
    filter.stack.push_back(*std::move(program));
    subject.file += (subject.file.empty() ? "" : " ") + one.file;
  }
  if (auto fits = CheckOrder(filter, subject.file); !fits) return fits.error();
  subject.title = (filters.size() > 1 ? "filters " : "filter ") + subject.file;
  return subject;
}

}  // namespace bailey::review
