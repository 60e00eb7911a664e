#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <unistd.h>

int Build(scmp_filter_ctx filter, int strict) {
  int r = seccomp_arch_add(filter, SCMP_ARCH_X86);
  if (r < 0 && r != -EEXIST) return r;
  r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mount), 0);
  if (r == -EFAULT) {
    strict = 0;
  } else if (r < 0) {
    return r;
  }
  r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ptrace), 0);
  if (r == -EFAULT) return 1;
  if (r != 0) abort();
  r = seccomp_load(filter);
  if (r < 0 || strict == 2) return -1;
  r = setgroups(0, NULL);
  if (r != 0 && errno != EPERM) return -1;
  return 0;
}
