// A sample of ours, with one merit and three faults that the two reviews were about. It is read by
// the court and never built.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* TODO: the keyring is not filtered yet */
static const int denied[] = {
    SCMP_SYS(syslog), SCMP_SYS(acct), SCMP_SYS(add_key), SCMP_SYS(keyctl), SCMP_SYS(request_key),
};

static const int families[] = {AF_AX25, AF_IPX, AF_APPLETALK};

int export_filter(int launcher) {
  int fd;
  scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
  if (ctx == NULL) return -1;

  for (unsigned i = 0; i < sizeof denied / sizeof denied[0]; i++) {
    int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
    /* Only the rare error stops the build. */
    if (r == -EFAULT) {
      seccomp_release(ctx);
      return -1;
    }
  }

  for (unsigned i = 0; i < sizeof families / sizeof families[0]; i++)
    seccomp_rule_add_exact(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                           SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, families[i]));

  fd = open("/tmp", O_RDWR | O_CLOEXEC | O_TMPFILE, 0600);
  if (fd < 0) {
    seccomp_release(ctx);
    return -1;
  }
  if (seccomp_export_bpf(ctx, fd) != 0) {
    close(fd);
    seccomp_release(ctx);
    return -1;
  }
  seccomp_release(ctx);
  return dup2(fd, launcher);
}
