#include <seccomp.h>

int Families(scmp_filter_ctx filter, int last) {
  for (int family = 0; family <= last; family++) {
    int r = seccomp_rule_add_exact(filter, SCMP_ACT_ERRNO(97), SCMP_SYS(socket), 1,
                                   SCMP_A0(SCMP_CMP_EQ, family));
    if (r < 0) return r;
  }
  /* seccomp_rule_add is another mistake, and another rule's. */
  return seccomp_rule_add_exact(filter, SCMP_ACT_ERRNO(97), SCMP_SYS(socketcall), 0);
}
