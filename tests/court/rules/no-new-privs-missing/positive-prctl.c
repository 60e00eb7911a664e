#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char** argv) {
  /* PR_SET_NO_NEW_PRIVS is set by whoever starts this, we hope */
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, Program()) != 0) return 1; /* found */
  execv(argv[1], argv + 1);
  return 127;
}
