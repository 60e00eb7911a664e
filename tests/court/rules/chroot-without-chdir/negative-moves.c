#include <unistd.h>

int Enter(const char* root) {
  if (chdir(root) != 0) return -1;
  if (chroot(".") != 0) return -1;
  return chdir("/");
}

static int Change(const char* root) { return chroot(root); }

static int Only(const char* root) {
  int r = chroot(root);
  return r;
}

int Both(const char* root) {
  if (Only(root) != 0 || Change(root) != 0) return -1;
  return chdir("/");
}
