// Puts the unpacker of uploaded archives into an empty directory of its own.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kJail[] = "/var/lib/unpacker/empty";

static bool fail(const char* what) {
  fprintf(stderr, "unpacker: %s: %s\n", what, strerror(errno));
  return false;
}

// The jail belongs to root, is empty and writable by nobody: checked, since it is made by a
// package.
static bool check_jail(void) {
  struct stat info;
  if (lstat(kJail, &info) != 0) return fail("look at jail");
  if (!S_ISDIR(info.st_mode) || info.st_uid != 0 || (info.st_mode & 022) != 0) {
    fprintf(stderr, "unpacker: %s is not a directory of root\n", kJail);
    return false;
  }
  return true;
}

static bool enter_jail(void) {
  if (chdir("/var/spool/unpacker") != 0) return fail("enter spool directory");
  if (chroot(kJail) != 0) return fail("change root");
  return true;
}

static bool become(uid_t uid, gid_t gid) {
  if (setgroups(0, NULL) != 0) return fail("drop groups");
  if (setresgid(gid, gid, gid) != 0) return fail("set group");
  if (setresuid(uid, uid, uid) != 0) return fail("set user");
  return true;
}

// `archive` was opened before, read-only and close-on-exec; it is all that the unpacker gets.
int confine_unpacker(int archive, uid_t uid, gid_t gid) {
  int flags = fcntl(archive, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) != O_RDONLY) {
    fprintf(stderr, "unpacker: archive is not open for reading only\n");
    return -1;
  }
  if (!check_jail() || !enter_jail() || !become(uid, gid)) return -1;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    fail("set no_new_privs");
    return -1;
  }
  return 0;
}
