// The part of an application's filter that keeps it from the caller's terminal.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

static int fail(const char* what, int error) {
  fprintf(stderr, "filter: %s: %s\n", what, strerror(-error));
  return error;
}

// Requests that type into a terminal or paste into a console.
static const unsigned kForbidden[] = {TIOCSTI, TIOCLINUX};

static int deny_terminal(scmp_filter_ctx filter) {
  for (size_t i = 0; i < sizeof kForbidden / sizeof kForbidden[0]; i++) {
    int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                             SCMP_A1(SCMP_CMP_EQ, kForbidden[i]));
    if (r < 0) return fail("deny ioctl", r);
  }
  return 0;
}

static int deny_namespaces(scmp_filter_ctx filter) {
  int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                           SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
  if (r < 0) return fail("deny clone", r);
  r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (r < 0) return fail("deny clone3", r);
  r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 0);
  if (r < 0) return fail("deny unshare", r);
  return 0;
}

// An exact comparison that allows is safe at any width: what has a high bit set is not it.
static int allow_plain_personality(scmp_filter_ctx filter) {
  int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(personality), 1,
                           SCMP_A0(SCMP_CMP_EQ, PER_LINUX));
  return r < 0 ? fail("allow personality", r) : 0;
}

int add_terminal_rules(scmp_filter_ctx denials, scmp_filter_ctx grants) {
  int r = deny_terminal(denials);
  if (r == 0) r = deny_namespaces(denials);
  if (r == 0) r = allow_plain_personality(grants);
  return r;
}
