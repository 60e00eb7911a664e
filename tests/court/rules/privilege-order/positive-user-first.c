#include <unistd.h>

int Drop(uid_t uid, gid_t gid) {
  if (setuid(uid) != 0) return -1; /* found */
  if (setgid(gid) != 0) return -1;
  return setgroups(0, NULL);
}
