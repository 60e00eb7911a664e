#include <seccomp.h>

/* SCMP_A1(SCMP_CMP_EQ, TIOCSTI) is what an older version had. */
int Build(void) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(ioctl), 1,
                           SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TIOCSTI));
  if (r != 0) return r;
  r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(unshare), 1,
                       SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
  if (r != 0) return r;
  r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(lseek), 1, SCMP_A1(SCMP_CMP_EQ, 0));
  return r != 0 ? r : seccomp_load(filter);
}
