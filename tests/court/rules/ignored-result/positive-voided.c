#include <sys/prctl.h>
#include <unistd.h>

void Prepare(uid_t uid) {
  if (uid == 0) return;
  (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  /* found above */
  setresuid(uid, uid, uid);            /* found */
  int left = setresgid(100, 100, 100); /* found */
}

void Excused(void) {
  /* Kernels before 3.5 do not know it, and the filter below fails there. */
  (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
