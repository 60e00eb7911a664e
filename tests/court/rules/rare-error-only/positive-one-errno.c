#include <errno.h>
#include <unistd.h>

int Enter(const char* root) {
  int r = chroot(root);
  if (r == -1 && errno == ENOMEM) { /* found */
    return -1;
  }
  return chdir("/");
}
