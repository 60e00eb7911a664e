// Starts the first process of a container: directories of the host are opened, the container's root
// is entered through them, and the program is executed.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char* what) {
  fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
  return -1;
}

// The cgroup of the container, joined by writing to its file of processes.
static int join_cgroup(int cgroups, const char* name) {
  if (name[0] == '.' || name[0] == '\0' || strchr(name, '/') != NULL) {
    errno = EINVAL;
    return fail("name of cgroup");
  }
  int group = openat(cgroups, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (group < 0) return fail("open cgroup");
  int processes = openat(group, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  close(group);
  if (processes < 0) return fail("open list of processes");
  int ok = write(processes, "0", 1) == 1;
  close(processes);
  return ok ? 0 : fail("join cgroup");
}

static int enter_root(const char* root) {
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return fail("make mounts private");
  if (mount(root, root, NULL, MS_BIND | MS_REC | MS_NOSUID, NULL) != 0) return fail("bind root");
  if (chdir(root) != 0) return fail("enter root");
  if (syscall(SYS_pivot_root, ".", ".") != 0) return fail("pivot");
  if (umount2(".", MNT_DETACH) != 0) return fail("unmount old root");
  if (chdir("/") != 0) return fail("enter new root");
  return 0;
}

int start_container(const char* root, const char* cgroup, const char* workdir,
                    char* const arguments[]) {
  int cgroups = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cgroups < 0) {
    fail("open cgroups");
    return 125;
  }
  int joined = join_cgroup(cgroups, cgroup);
  close(cgroups);  // before the image's working directory is entered
  if (joined != 0) return 125;
  if (unshare(CLONE_NEWNS) != 0) {
    fail("make mount namespace");
    return 125;
  }
  if (enter_root(root) != 0) return 125;
  // The image says where to start; it may name any path.
  if (chdir(workdir) != 0) {
    fail("enter working directory");
    return 125;
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    fail("set no_new_privs");
    return 125;
  }
  execv(arguments[0], arguments);
  fail(arguments[0]);
  return 126;
}
