#include <seccomp.h>

static const int kDenied[] = {SCMP_SYS(add_key), SCMP_SYS(keyctl), SCMP_SYS(request_key)};

int Build(void) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  /* TODO: should filter the kernel keyring too. */ /* found */
  for (int i = 0; i < 3; i++) {
    int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), kDenied[i], 0);
    if (r != 0) return r;
  }
  return seccomp_load(filter);
}
