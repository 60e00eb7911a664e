// The filter of an application launcher: what an application has no business with answers an error.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct blocked {
  int call;
  int error;
  const struct scmp_arg_cmp* argument;
};

// TODO: keyring calls are not filtered yet.
static const struct blocked kBlocked[] = {
    {SCMP_SYS(syslog), EPERM, NULL},
    {SCMP_SYS(acct), EPERM, NULL},
    {SCMP_SYS(quotactl), EPERM, NULL},
    {SCMP_SYS(add_key), EPERM, NULL},
    {SCMP_SYS(keyctl), EPERM, NULL},
    {SCMP_SYS(request_key), EPERM, NULL},
    {SCMP_SYS(mount), EPERM, NULL},
    {SCMP_SYS(umount2), EPERM, NULL},
    {SCMP_SYS(pivot_root), EPERM, NULL},
    {SCMP_SYS(chroot), EPERM, NULL},
    {SCMP_SYS(setns), EPERM, NULL},
    {SCMP_SYS(unshare), EPERM, NULL},
    {SCMP_SYS(clone3), ENOSYS, NULL},
    {SCMP_SYS(open_tree), ENOSYS, NULL},
    {SCMP_SYS(move_mount), ENOSYS, NULL},
    {SCMP_SYS(fsopen), ENOSYS, NULL},
    {SCMP_SYS(fsconfig), ENOSYS, NULL},
    {SCMP_SYS(fsmount), ENOSYS, NULL},
    {SCMP_SYS(clone), EPERM, &SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER)},
    {SCMP_SYS(ioctl), EPERM, &SCMP_A1(SCMP_CMP_MASKED_EQ, 0xFFFFFFFFu, TIOCSTI)},
};

static int fail(const char* what, int error) {
  fprintf(stderr, "launcher: %s: %s\n", what, strerror(error));
  return -1;
}

static int add_rules(scmp_filter_ctx filter) {
  for (size_t i = 0; i < sizeof kBlocked / sizeof kBlocked[0]; i++) {
    const struct blocked* entry = &kBlocked[i];
    int r;
    if (entry->argument != NULL)
      r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(entry->error), entry->call, 1, *entry->argument);
    else
      r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(entry->error), entry->call, 0);
    // -EFAULT says that the library does not know the call, which is harmless.
    if (r < 0 && r != -EFAULT) return fail("add rule", -r);
  }
  return 0;
}

// An unnamed file: it has no name in any directory, also not in /tmp.
static int export_filter(scmp_filter_ctx filter) {
  int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return fail("open unnamed file", errno);
  int r = seccomp_export_bpf(filter, fd);
  if (r < 0) {
    close(fd);
    return fail("export filter", -r);
  }
  if (lseek(fd, 0, SEEK_SET) < 0) {
    close(fd);
    return fail("rewind filter", errno);
  }
  return fd;
}

int make_filter(bool multiarch) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == NULL) return fail("make filter", ENOMEM);
  int fd = -1;
  int r = multiarch ? seccomp_arch_add(filter, SCMP_ARCH_X86) : 0;
  if (r < 0 && r != -EEXIST) {
    fail("add architecture", -r);
    goto out;
  }
  if (add_rules(filter) < 0) goto out;
  fd = export_filter(filter);
out:
  seccomp_release(filter);
  return fd;
}
