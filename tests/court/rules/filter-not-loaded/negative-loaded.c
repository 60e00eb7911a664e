#include <seccomp.h>

static scmp_filter_ctx shared;

int Load(void) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == NULL) return -1;
  int r = seccomp_load(filter);
  seccomp_release(filter);
  return r;
}

scmp_filter_ctx Make(void) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  return filter;
}

void Share(void) { shared = seccomp_init(SCMP_ACT_ALLOW); }

int Export(int fd) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(1));
  return seccomp_export_bpf(filter, fd);
}
