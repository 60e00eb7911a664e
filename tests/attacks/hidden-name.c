// Makes a name that the policy hides and that does not exist yet: directly, by moving or linking
// something to it, and by moving away the directories that lead to it.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

// The driver hides these two, and leaves them out of the workspace.
static const char kName[] = "future";
static const char kDeep[] = "made/deep/name";

// What was made outside the wall goes again: other runs expect it to be absent.
static __attribute__((noreturn)) void Made(const char* how, const char* name) {
  unlink(name);
  rmdir(name);
  unlink("source");
  Escaped("%s made %s", how, name);
}

static void Note(const char* how, const char* name, int result) {
  if (result >= 0) Made(how, name);
  Refused("%s %s", how, name);
}

static void WriteFileAt(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0 && write(fd, "x", 1) == 1) close(fd);
}

static void TryName(const char* name) {
  WriteFileAt("source");
  Note("open", name, open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Note("open with O_EXCL", name, open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  char around[64];
  snprintf(around, sizeof(around), "/proc/self/cwd/%s", name);
  Note("open by another way", name, open(around, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Note("mkdir", name, mkdir(name, 0700));
  Note("mkfifo", name, mkfifo(name, 0600));
  Note("symlink", name, symlink("source", name));
  Note("link", name, link("source", name));
  Note("rename", name, rename("source", name));
  Note("exchange", name, renameat2(AT_FDCWD, "source", AT_FDCWD, name, RENAME_EXCHANGE));
  Note("rename away", name, rename(name, "elsewhere"));
  Note("unlink", name, unlink(name));
  Note("rmdir", name, rmdir(name));
  Note("truncate", name, truncate(name, 1));
}

static void TryParents(void) {
  Note("rename away", "made", rename("made", "moved"));
  Note("rename away", "made/deep", rename("made/deep", "made/moved"));
  Note("rmdir", "made", rmdir("made"));
  if (mkdir("other", 0700) == 0 && mkdir("other/deep", 0700) == 0) {
    WriteFileAt("other/deep/name");
    Note("rename over", "made", rename("other", "made"));
    Note("exchange", "made", renameat2(AT_FDCWD, "other", AT_FDCWD, "made", RENAME_EXCHANGE));
    Note("exchange", "made/deep",
         renameat2(AT_FDCWD, "other/deep", AT_FDCWD, "made/deep", RENAME_EXCHANGE));
    Note("rename over", kDeep, rename("other/deep/name", kDeep));
    unlink("other/deep/name");
    rmdir("other/deep");
    rmdir("other");
  }
}

// In a mount namespace of one's own, where the policy lets one be made.
static void TryUncover(void) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    Refused("unshare");
    return;
  }
  Note("unmount what covers", kName, umount2(kName, MNT_DETACH));
  Note("unmount what pins", "made", umount2("made", MNT_DETACH));
  mkdir("/tmp/view", 0700);
  Note("show what is below", kName, mount(".", "/tmp/view", NULL, MS_BIND, NULL));
}

void Attack(void) {
  if (IsControl()) {
    mkdir("made", 0700);
    WriteFileAt(kName);
    struct stat found;
    if (stat(kName, &found) == 0 && found.st_size == 1) {
      rmdir("made");
      Made("open", kName);
    }
    CannotBeTried("the workspace cannot be written");
  }
  TryName(kName);
  TryName(kDeep);
  TryParents();
  TryUncover();
  unlink("source");
  AllRefused();
}
