#include <errno.h>
#include <seccomp.h>

static const int kDenied[] = {SCMP_SYS(mount), SCMP_SYS(ptrace)};

int Build(scmp_filter_ctx filter) {
  int r;
  for (unsigned i = 0; i < 2; i++) {
    r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), kDenied[i], 0);
    if (r < 0 && r == -EFAULT) return r; /* found */
  }
  for (unsigned i = 0; i < 2; i++) {
    r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), kDenied[i], 0);
    if (r < 0) return r;
  }
  return 0;
}
