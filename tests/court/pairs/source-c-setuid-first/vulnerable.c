// A helper that is started with set-user-id root, mounts one thing, and runs the rest as its
// caller.
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

static void complain(const char* what) {
  fprintf(stderr, "mount-helper: %s: %s\n", what, strerror(errno));
}

// seteuid is enough here: the privilege is wanted back for the unmount.
static int as_caller(int (*work)(const char*), const char* directory) {
  if (seteuid(getuid()) != 0) {
    complain("become caller for a moment");
    return -1;
  }
  int r = work(directory);
  if (seteuid(0) != 0) {
    complain("become root again");
    return -1;
  }
  return r;
}

// Enters the directory as the caller: what is mounted on is what the caller may enter and write.
static int enter_directory(const char* directory) {
  if (chdir(directory) != 0 || access(".", W_OK) != 0) {
    complain(directory);
    return -1;
  }
  return 0;
}

static void become_caller(void) {
  setuid(getuid());
  setgid(getgid());
  setgroups(0, NULL);
}

int mount_and_run(const char* directory, char* const arguments[]) {
  if (as_caller(enter_directory, directory) != 0) return 125;
  if (mount("none", ".", "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=0700") != 0) {
    complain("mount tmpfs");
    return 125;
  }
  become_caller();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    complain("set no_new_privs");
    return 125;
  }
  execv(arguments[0], arguments);
  complain(arguments[0]);
  return 126;
}
