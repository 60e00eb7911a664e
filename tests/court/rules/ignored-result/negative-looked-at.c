#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int Try(int r) { return r; }

int Build(scmp_filter_ctx filter, int strict) {
  int r = 0;
  if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(mount), 0) < 0) return -1;
  r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(chroot), 0);
  if (r < 0) return r;
  r |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(acct), 0);
  r |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(quotactl), 0);
  if (strict)
    r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(add_key), 0);
  else
    r = seccomp_rule_add(filter, SCMP_ACT_LOG, SCMP_SYS(add_key), 0);
  while (r == 0) {
    r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(keyctl), 0);
  }
  if (Try(seccomp_load(filter))) exit(1);
  return seccomp_arch_add(filter, SCMP_ARCH_X86);
}

void Drop(uid_t uid) {
  /* A comment that says seccomp_load(filter); is no call, nor is this: */
  puts("setuid(uid);");
  setuid(uid);
  if (getuid() != uid) abort();
}
