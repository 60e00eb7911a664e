#include <seccomp.h>

struct Denial {
  int call;
  int error;
  struct scmp_arg_cmp* argument;
};

static struct Denial denials[] = {
    {SCMP_SYS(acct), EPERM},
    {SCMP_SYS(ioctl), EPERM, &SCMP_A1(SCMP_CMP_EQ, (int)TIOCSTI)}, /* found */
};

int Build(int fd) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  return Add(filter, denials) != 0 ? -1 : seccomp_export_bpf(filter, fd);
}
