// The floor: the least that a sandbox of this kind has to do, by hand and without a policy. All
// namespaces, an id map, / bound read-only, /dev, /proc and /tmp of its own, one pivot, then the
// program. What is above this is a launcher's own cost.
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void Check(long result, const char* step) {
  if (result >= 0) return;
  fprintf(stderr, "floor: %s: %s\n", step, strerror(errno));
  _exit(125);
}

static void WriteFile(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  Check(fd, path);
  Check(write(fd, text, strlen(text)), path);
  close(fd);
}

static void MakeDevices(void) {
  const char* const names[] = {"null", "zero", "full", "random", "urandom", "tty"};
  // Binds of the host's nodes, taken before the tmpfs covers them.
  int nodes[6];
  for (int i = 0; i < 6; ++i) {
    char path[32];
    snprintf(path, sizeof(path), "dev/%s", names[i]);
    nodes[i] = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    Check(nodes[i], path);
  }
  Check(mount("dev", "dev", "tmpfs", MS_NOSUID, "mode=0755,size=64k"), "mount dev");
  for (int i = 0; i < 6; ++i) {
    char path[32];
    snprintf(path, sizeof(path), "dev/%s", names[i]);
    Check(mknod(path, S_IFREG | 0666, 0), path);
    Check(syscall(SYS_move_mount, nodes[i], "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH), path);
    close(nodes[i]);
  }
  Check(mkdir("dev/pts", 0755), "mkdir dev/pts");
  Check(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666"),
        "mount dev/pts");
}

static void BuildRoot(void) {
  Check(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make / private");
  Check(mount("/", "/tmp", NULL, MS_BIND | MS_REC, NULL), "bind /");
  Check(chdir("/tmp"), "enter the new root");
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
  Check(syscall(SYS_mount_setattr, AT_FDCWD, ".", AT_RECURSIVE, &attributes, sizeof(attributes)),
        "make the new root read-only");
  MakeDevices();
  Check(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mount proc");
  Check(mount("tmp", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, NULL), "mount tmp");
  Check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
  Check(umount2(".", MNT_DETACH), "leave the old root");
  Check(chdir("/"), "enter /");
}

int main(int count, char** arguments) {
  if (count < 2) return 2;
  char uid_map[64], gid_map[64];
  snprintf(uid_map, sizeof(uid_map), "1000 %u 1", (unsigned)getuid());
  snprintf(gid_map, sizeof(gid_map), "1000 %u 1", (unsigned)getgid());
  int mapped[2];
  Check(pipe2(mapped, O_CLOEXEC), "pipe");
  long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
               CLONE_NEWNET | CLONE_NEWCGROUP | SIGCHLD;
  long child = syscall(SYS_clone, flags, 0, 0, 0, 0);
  Check(child, "clone");
  if (child == 0) {
    char byte;
    Check(read(mapped[0], &byte, 1), "wait for the id map");
    BuildRoot();
    execv(arguments[1], arguments + 1);
    Check(-1, arguments[1]);
  }
  char path[64];
  snprintf(path, sizeof(path), "/proc/%ld/setgroups", child);
  WriteFile(path, "deny");
  snprintf(path, sizeof(path), "/proc/%ld/uid_map", child);
  WriteFile(path, uid_map);
  snprintf(path, sizeof(path), "/proc/%ld/gid_map", child);
  WriteFile(path, gid_map);
  Check(write(mapped[1], "", 1), "release the child");
  int status = 0;
  Check(waitpid((pid_t)child, &status, 0), "wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
