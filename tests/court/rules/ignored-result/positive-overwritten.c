#include <seccomp.h>

int Build(scmp_filter_ctx filter) {
  int r;
  r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(mount), 0); /* found */
  r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(chroot), 0);
  return r;
}
