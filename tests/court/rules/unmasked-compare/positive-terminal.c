#include <seccomp.h>
#include <sys/ioctl.h>

int Build(void) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(ioctl), 1,
                           SCMP_A1(SCMP_CMP_EQ, TIOCSTI)); /* found */
  return r != 0 ? r : seccomp_load(filter);
}
