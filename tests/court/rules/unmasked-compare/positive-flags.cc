#include <sched.h>
#include <seccomp.h>

bool DenyNamespaces(scmp_filter_ctx filter) {
  return seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(unshare), 1,
                          SCMP_CMP(0, SCMP_CMP_EQ, CLONE_NEWUSER)) == 0; /* found */
}
