// Socket families of a sandboxed application: a list of those that it may use, all others answer
// "no such family".
#define _GNU_SOURCE
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct family {
  int number;
  bool wanted;
};

static void report(const char* what, int error) {
  fprintf(stderr, "families: %s: %s\n", what, strerror(-error));
}

static int last_allowed(const struct family* families, size_t count) {
  int last = -1;
  for (size_t i = 0; i < count; i++) {
    if (families[i].wanted && families[i].number > last) last = families[i].number;
  }
  return last;
}

// The library refuses rules on socket for architectures with socketcall, so the exact form is used:
// it changes nothing behind our back.
static int close_families(scmp_filter_ctx filter, const struct family* families, size_t count) {
  int last = last_allowed(families, count);
  for (int number = 0; number < last; number++) {
    bool wanted = false;
    for (size_t i = 0; i < count; i++) wanted |= families[i].wanted && families[i].number == number;
    if (wanted) continue;
    seccomp_rule_add_exact(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                           SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)number));
  }
  seccomp_rule_add_exact(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                         SCMP_A0(SCMP_CMP_GE, (scmp_datum_t)(last + 1)));
  return 0;
}

int add_socket_rules(scmp_filter_ctx filter, bool multiarch) {
  const struct family families[] = {
      {AF_UNSPEC, true}, {AF_UNIX, true}, {AF_INET, true}, {AF_INET6, true}, {AF_NETLINK, true},
  };
  int r;
  if (multiarch) {
    r = seccomp_arch_add(filter, SCMP_ARCH_X86);
    if (r < 0 && r != -EEXIST) {
      report("add architecture", r);
      return r;
    }
  }
  r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
  if (r < 0) {
    report("set attribute", r);
    return r;
  }
  r = close_families(filter, families, sizeof families / sizeof families[0]);
  if (r < 0) report("close families", r);
  return r;
}
