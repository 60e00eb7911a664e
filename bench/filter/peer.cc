#include "peer.h"

#include <fmt/format.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "abi/action.h"
#include "abi/arguments.h"

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

// A rule of libseccomp's holds where all its comparisons do; what holds in one of several ways is
// several rules.
using Comparisons = std::vector<scmp_arg_cmp>;
using Ways = std::vector<Comparisons>;

// "family not in {1, 3}" in the manner of Flatpak: what lies between is named one by one.
Ways NoneOf(unsigned slot, std::vector<std::uint64_t> values) {
  std::ranges::sort(values);
  Ways ways;
  for (std::uint64_t value = 0; value < values.back(); ++value) {
    if (std::ranges::binary_search(values, value)) continue;
    ways.push_back({{slot, SCMP_CMP_EQ, value, 0}});
  }
  ways.push_back({{slot, SCMP_CMP_GT, values.back(), 0}});
  return ways;
}

base::Result<scmp_arg_cmp> CompareOf(unsigned slot, const policy::Test& test, std::uint64_t value) {
  const auto mask = test.mask ? policy::Resolve(*test.mask, abi::NativeArch()) : ~0ull;
  scmp_arg_cmp compare = {slot, SCMP_CMP_EQ, value, 0};
  switch (test.comparison) {
    case policy::Comparison::kIn:
    case policy::Comparison::kEqual:
      if (*mask != ~0ull) compare = {compare.arg, SCMP_CMP_MASKED_EQ, *mask, value};
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
      break;
  }
  return base::Unsupported("compare with libseccomp: it has no such comparison");
}

base::Result<Ways> WaysOfTest(const std::string& call, const policy::Test& test, bool negated) {
  const auto argument = abi::FindArgument(abi::NativeArch(), call, test.argument);
  if (!argument) return argument.error();
  const unsigned slot = argument->low_slot;
  std::vector<std::uint64_t> values;
  for (const policy::Value& value : test.operands) {
    values.push_back(*policy::Resolve(value, abi::NativeArch()));
  }
  Ways ways;
  if (test.comparison == policy::Comparison::kAnyBit && test.mask && !negated) {
    const std::uint64_t mask = *policy::Resolve(*test.mask, abi::NativeArch());
    for (std::uint64_t left = mask; left != 0; left &= left - 1) {
      const std::uint64_t bit = left & (~left + 1);
      ways.push_back({{slot, SCMP_CMP_MASKED_EQ, bit, bit}});
    }
    return ways;
  }
  if (negated) {
    const bool is_set = test.comparison == policy::Comparison::kIn && !test.mask;
    if (is_set && !values.empty()) return NoneOf(slot, values);
    return base::Unsupported("add rule to libseccomp: it has no such condition");
  }
  for (const std::uint64_t value : values) {
    const auto compare = CompareOf(slot, test, value);
    if (!compare) return compare.error();
    ways.push_back({*compare});
  }
  return ways;
}

base::Result<Ways> WaysOf(const std::string& call, const policy::Condition& condition,
                          bool negated = false) {
  using Kind = policy::Condition::Kind;
  if (condition.kind == Kind::kTest) return WaysOfTest(call, condition.test, negated);
  if (condition.kind == Kind::kNot) return WaysOf(call, condition.children.at(0), !negated);
  if (negated) return base::Unsupported("add rule to libseccomp: it has no such condition");
  Ways ways;
  if (condition.kind == Kind::kAnd) ways.emplace_back();
  for (const policy::Condition& child : condition.children) {
    const auto more = WaysOf(call, child);
    if (!more) return more.error();
    if (condition.kind == Kind::kOr) {
      ways.insert(ways.end(), more->begin(), more->end());
      continue;
    }
    Ways products;
    for (const Comparisons& left : ways) {
      for (const Comparisons& right : *more) {
        products.push_back(left);
        products.back().insert(products.back().end(), right.begin(), right.end());
      }
    }
    ways = std::move(products);
  }
  return ways;
}

base::Status AddRule(scmp_filter_ctx context, const policy::Rule& rule, int number) {
  Ways ways = {{}};
  if (rule.condition) {
    auto conditioned = WaysOf(rule.syscall, *rule.condition);
    if (!conditioned) return conditioned.error();
    ways = *std::move(conditioned);
  }
  for (const Comparisons& compares : ways) {
    const int code =
        seccomp_rule_add_array(context, ActionOf(rule.answer), number,
                               static_cast<unsigned>(compares.size()), compares.data());
    if (code == 0 || code == -EACCES) continue;  // the latter: equal to the default, nothing to do
    return base::SystemError(fmt::format("add rule for {} to libseccomp", rule.syscall), -code);
  }
  return {};
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
