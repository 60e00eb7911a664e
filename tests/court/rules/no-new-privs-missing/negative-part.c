#include <linux/seccomp.h>
#include <sys/prctl.h>

/* Only a part of a program: its caller may have set it. */
int Install(const struct sock_fprog* program) {
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program);
}
