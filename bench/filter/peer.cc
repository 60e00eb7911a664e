#include "peer.h"

#include <fmt/format.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>

#include "abi/action.h"

namespace bailey::bench {
namespace {

struct Releaser {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Releaser>;

std::uint32_t ActionOf(const policy::Answer& answer) {
  return abi::Encode(policy::Resolve(answer, abi::NativeArch()));
}

std::uint32_t TokenOf(abi::Arch arch) {
  // libseccomp tells x32 from x86_64 by a token of its own.
  return arch == abi::Arch::kX32 ? SCMP_ARCH_X32 : abi::Info(arch).token;
}

base::Result<scmp_arg_cmp> CompareOf(const policy::Test& test) {
  const auto value = policy::Resolve(test.operands.at(0), abi::NativeArch());
  const auto mask = test.mask ? policy::Resolve(*test.mask, abi::NativeArch()) : ~0ull;
  scmp_arg_cmp compare = {static_cast<unsigned>(test.argument.at(3) - '0'), SCMP_CMP_EQ, *value, 0};
  switch (test.comparison) {
    case policy::Comparison::kEqual:
      if (*mask != ~0ull) compare = {compare.arg, SCMP_CMP_MASKED_EQ, *mask, *value};
      return compare;
    case policy::Comparison::kNotEqual:
      compare.op = SCMP_CMP_NE;
      return compare;
    case policy::Comparison::kLess:
      compare.op = SCMP_CMP_LT;
      return compare;
    case policy::Comparison::kLessEqual:
      compare.op = SCMP_CMP_LE;
      return compare;
    case policy::Comparison::kGreater:
      compare.op = SCMP_CMP_GT;
      return compare;
    case policy::Comparison::kGreaterEqual:
      compare.op = SCMP_CMP_GE;
      return compare;
    case policy::Comparison::kAnyBit:
    case policy::Comparison::kIn:
      break;
  }
  return base::Unsupported("compare with libseccomp: it has no such comparison");
}

base::Status AddRule(scmp_filter_ctx context, const policy::Rule& rule, int number) {
  std::vector<scmp_arg_cmp> compares;
  if (rule.condition) {
    using Kind = policy::Condition::Kind;
    if (rule.condition->kind == Kind::kOr || rule.condition->kind == Kind::kNot) {
      return base::Unsupported("add rule to libseccomp: it has no such condition");
    }
    std::vector<policy::Condition> tests = rule.condition->children;
    if (rule.condition->kind == Kind::kTest) tests = {*rule.condition};
    for (const policy::Condition& test : tests) {
      const auto compare = CompareOf(test.test);
      if (!compare) return compare.error();
      compares.push_back(*compare);
    }
  }
  const int code = seccomp_rule_add_array(context, ActionOf(rule.answer), number,
                                          static_cast<unsigned>(compares.size()), compares.data());
  if (code == 0 || code == -EACCES) return {};  // the latter: equal to the default, nothing to do
  return base::SystemError(fmt::format("add rule for {} to libseccomp", rule.syscall), -code);
}

base::Result<std::vector<bpf::Instruction>> Export(scmp_filter_ctx context) {
  const int fd = memfd_create("filter", MFD_CLOEXEC);
  if (fd < 0) return base::SystemError("make a memfd", errno);
  const int code = seccomp_export_bpf(context, fd);
  const off_t size = lseek(fd, 0, SEEK_END);
  std::vector<bpf::Instruction> instructions(static_cast<std::size_t>(size) /
                                             sizeof(bpf::Instruction));
  const bool read = pread(fd, instructions.data(), static_cast<std::size_t>(size), 0) == size;
  (void)close(fd);
  if (code != 0) return base::SystemError("export libseccomp's filter", -code);
  if (!read) return base::Internal("read libseccomp's filter: short");
  return instructions;
}

}  // namespace

bool IsKnownToPeer(abi::Arch arch, const std::string& call) {
  // Below -10000 are its stand-ins for calls that an architecture lacks; those from -100 to -300
  // are for calls behind socketcall and ipc.
  return seccomp_syscall_resolve_name_arch(TokenOf(arch), call.c_str()) > -10000 &&
         seccomp_syscall_resolve_name(call.c_str()) != __NR_SCMP_ERROR;
}

base::Result<std::vector<bpf::Instruction>> BuildWithLibseccomp(const policy::Syscalls& syscalls,
                                                                bool tree) {
  const Context context(seccomp_init(ActionOf(syscalls.default_action)));
  if (!context) return base::Internal("start libseccomp: no memory");
  (void)seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, ActionOf(syscalls.foreign));
  if (tree) (void)seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const abi::Arch arch : syscalls.architectures) {
    if (arch == abi::NativeArch()) continue;
    if (const int code = seccomp_arch_add(context.get(), TokenOf(arch)); code != 0) {
      return base::SystemError("add an architecture to libseccomp", -code);
    }
  }
  for (const policy::Rule& rule : syscalls.rules) {
    const int number = seccomp_syscall_resolve_name(rule.syscall.c_str());
    if (number == __NR_SCMP_ERROR) continue;  // newer than this libseccomp
    if (auto status = AddRule(context.get(), rule, number); !status) return status.error();
  }
  return Export(context.get());
}

}  // namespace bailey::bench
