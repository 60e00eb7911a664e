#include <linux/seccomp.h>
#include <sys/prctl.h>

int Install(struct sock_fprog* prog, int log) {
  int rv = 0;
#ifdef SECCOMP_FILTER_FLAG_LOG
  if (log)
    rv = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, prog);
  else
    rv = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog);
#else
  rv = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog);
#endif
  return rv;
}
