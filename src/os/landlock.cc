#include "os/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace bailey::os {
namespace {

// Linux 6.12's struct landlock_ruleset_attr. An older kernel takes its own shorter one; a longer
// one is accepted by it as long as what it does not know is zero (E2BIG otherwise).
struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};

struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed_access;
  std::int32_t parent_fd;
};

constexpr unsigned kVersionFlag = 1u << 0;
constexpr unsigned kRulePathBeneath = 1;
// The same numbers on every architecture but alpha.
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;

}  // namespace

std::uint64_t landlock::AllRights(int abi) {
  std::uint64_t rights = (1ull << 13) - 1;  // ABI 1: execute to make_sym
  if (abi >= 2) rights |= kRefer;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= kDeviceIoctl;
  return rights;
}

SysResult<int> LandlockAbi() {
  const long version = ::syscall(kCreateRuleset, nullptr, 0, kVersionFlag);
  if (version < 0) return LastErrno();
  return static_cast<int>(version);
}

SysResult<base::UniqueFd> MakeRuleset(std::uint64_t handled_rights, std::uint64_t scopes) {
  const RulesetAttributes attributes = {handled_rights, 0, scopes};
  const long fd = ::syscall(kCreateRuleset, &attributes, sizeof(attributes), 0);
  if (fd < 0) return LastErrno();
  return base::UniqueFd(static_cast<int>(fd));
}

SysStatus AddRule(int ruleset, int path, std::uint64_t rights) {
  const PathBeneath rule = {rights, path};
  return Check(::syscall(kAddRule, ruleset, kRulePathBeneath, &rule, 0));
}

SysStatus Restrict(int ruleset) { return Check(::syscall(kRestrictSelf, ruleset, 0)); }

}  // namespace bailey::os
