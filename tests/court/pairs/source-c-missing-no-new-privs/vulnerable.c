// Wraps a tool of the build farm: a filter denies what tools need not, then the tool is executed.
// The wrapper is started by a service of root.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DENY(name)                                        \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

static struct sock_filter kFilter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    DENY(ptrace),
    DENY(mount),
    DENY(umount2),
    DENY(keyctl),
    DENY(bpf),
    DENY(perf_event_open),
    DENY(userfaultfd),
    DENY(unshare),
    DENY(setns),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static int fail(const char* what) {
  fprintf(stderr, "wrap: %s: %s\n", what, strerror(errno));
  return -1;
}

static int become(uid_t uid, gid_t gid) {
  if (setgroups(0, NULL) != 0) return fail("drop groups");
  if (setresgid(gid, gid, gid) != 0) return fail("set group");
  if (setresuid(uid, uid, uid) != 0) return fail("set user");
  return 0;
}

static int install_filter(void) {
  struct sock_fprog program = {
      .len = (unsigned short)(sizeof kFilter / sizeof kFilter[0]),
      .filter = kFilter,
  };
  // Root may install a filter as it is; it must be done before root is gone.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    return fail("install filter");
  return 0;
}

int wrap(uid_t uid, gid_t gid, char* const arguments[]) {
  if (prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0) != 0) {
    fail("die with parent");
    return 125;
  }
  if (install_filter() != 0 || become(uid, gid) != 0) return 125;
  execv(arguments[0], arguments);
  fail(arguments[0]);
  return 126;
}
