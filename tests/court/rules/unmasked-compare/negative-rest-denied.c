#include <seccomp.h>

int Families(scmp_filter_ctx filter) {
  int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(97), SCMP_SYS(socket), 1,
                           SCMP_A0(SCMP_CMP_EQ, AF_PACKET));
  if (r < 0) return r;
  /* With a high bit set the number is larger than the last one. */
  return seccomp_rule_add(filter, SCMP_ACT_ERRNO(97), SCMP_SYS(socket), 1,
                          SCMP_A0(SCMP_CMP_GE, AF_NETLINK + 1));
}
