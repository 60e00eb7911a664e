#include <sys/prctl.h>
#include <unistd.h>

/* A set-user-ID program goes back to the user it was started by: the groups are that user's. */
int GoBack(void) {
  if (setgid(getgid()) != 0) return -1;
  return setuid(getuid());
}

int Switch(uid_t uid, gid_t gid) {
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  if (setuid(uid) != 0) return -1;
  return setgid(gid);
}
