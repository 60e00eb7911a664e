// A list of denials for the helper that renders previews.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define UNLESS_EQUAL(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define UNLESS_AT_LEAST(value) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (value), 0, 1)
#define DENY(name) UNLESS_EQUAL(__NR_##name), RETURN(SECCOMP_RET_ERRNO | EPERM)

static struct sock_filter kFilter[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
    UNLESS_AT_LEAST(0x40000000),
    RETURN(SECCOMP_RET_KILL_PROCESS),  // x32
    DENY(ptrace),
    DENY(process_vm_readv),
    DENY(process_vm_writev),
    DENY(keyctl),
    DENY(add_key),
    DENY(request_key),
    DENY(mount),
    DENY(umount2),
    DENY(pivot_root),
    DENY(chroot),
    DENY(unshare),
    DENY(setns),
    DENY(bpf),
    DENY(perf_event_open),
    DENY(userfaultfd),
    DENY(io_uring_setup),
    RETURN(SECCOMP_RET_ALLOW),
};

static int fail(const char* what) {
  fprintf(stderr, "preview: %s: %s\n", what, strerror(errno));
  return -1;
}

// Says in the log what the machine is; nothing depends on it.
static void note_machine(void) { fprintf(stderr, "preview: filter for %#x\n", AUDIT_ARCH_X86_64); }

int confine_preview(void) {
  struct sock_fprog program = {
      .len = (unsigned short)(sizeof kFilter / sizeof kFilter[0]),
      .filter = kFilter,
  };
  note_machine();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail("set no_new_privs");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    return fail("install filter");
  return 0;
}
