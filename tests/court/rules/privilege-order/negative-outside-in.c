#include <unistd.h>

int Drop(uid_t uid, gid_t gid) {
  if (setgroups(0, NULL) != 0) return -1;
  if (setgid(gid) != 0) return -1;
  return setuid(uid);
}

int Raise(gid_t gid) {
  if (setuid(0) != 0) return -1;
  return setgid(gid);
}
