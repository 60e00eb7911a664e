#include <seccomp.h>
#include <unistd.h>

int main(int argc, char** argv) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW); /* found */
  if (filter == NULL) return 1;
  if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), SCMP_SYS(mount), 0) != 0) return 1;
  seccomp_release(filter);
  execv(argv[1], argv + 1);
  return 1;
}
