// Runs a plug-in of the render farm. The plug-in is behind a seccomp filter: it is killed at the
// first system call that is not on the list below.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(name)                                       \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter kInstructions[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    ALLOW(read),
    ALLOW(write),
    ALLOW(close),
    ALLOW(fstat),
    ALLOW(mmap),
    ALLOW(munmap),
    ALLOW(brk),
    ALLOW(mprotect),
    ALLOW(rt_sigreturn),
    ALLOW(exit),
    ALLOW(exit_group),
    ALLOW(execve),
    ALLOW(futex),
    ALLOW(clock_gettime),
    ALLOW(openat),
    ALLOW(lseek),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

// Returns the program that confines a plug-in.
static struct sock_fprog plugin_filter(void) {
  struct sock_fprog program = {
      .len = (unsigned short)(sizeof kInstructions / sizeof kInstructions[0]),
      .filter = kInstructions,
  };
  return program;
}

static int limit(int resource, rlim_t value) {
  struct rlimit limit = {.rlim_cur = value, .rlim_max = value};
  return setrlimit(resource, &limit);
}

int run_plugin(const char* path, char* const arguments[]) {
  char* const environment[] = {"LANG=C.UTF-8", NULL};
  if (limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_NOFILE, 64) != 0 ||
      limit(RLIMIT_AS, 1u << 30) != 0) {
    fprintf(stderr, "plugin: set limits: %s\n", strerror(errno));
    return 125;
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    fprintf(stderr, "plugin: set no_new_privs: %s\n", strerror(errno));
    return 125;
  }
  // Behind this block the seccomp filter is in force.
  struct sock_fprog program = plugin_filter();
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    fprintf(stderr, "plugin: install filter: %s\n", strerror(errno));
    return 125;
  }
  execve(path, arguments, environment);
  fprintf(stderr, "plugin: execute %s: %s\n", path, strerror(errno));
  return 126;
}
