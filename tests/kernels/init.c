// The first process of the machine that the launcher's tests are run in: loads the modules that the
// host's files are read with, shows those, and hands over to a script.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void Require(const char* what, int result) {
  if (result >= 0) return;
  printf("bailey fault: %s: %s\n", what, strerror(errno));
  fflush(stdout);
  reboot(RB_POWER_OFF);
}

static void LoadModules(void) {
  char name[256];
  FILE* const list = fopen("/modules.txt", "r");
  while (list && fgets(name, sizeof(name), list)) {
    name[strcspn(name, "\n")] = 0;
    const int file = open(name, O_RDONLY | O_CLOEXEC);
    Require(name, file);
    if (syscall(SYS_finit_module, file, "", 0) != 0 && errno != EEXIST) Require(name, -1);
    close(file);
  }
}

int main(void) {
  LoadModules();
  mkdir("/host", 0755);
  Require("show the host's files", mount("host", "/host", "9p", MS_RDONLY,
                                         "trans=virtio,version=9p2000.L,msize=262144,cache=loose"));
  Require("show the tests", mount("/work", "/host/mnt", NULL, MS_BIND, NULL));
  // Not a chroot alone, in which the kernel makes no user namespaces.
  Require("enter the host's files", chdir("/host"));
  Require("make it the root", mount(".", "/", NULL, MS_MOVE, NULL));
  Require("enter the root", chroot("."));
  const pid_t child = fork();
  if (child == 0) {
    if (chdir("/mnt") != 0) _exit(126);
    execl("/bin/sh", "sh", "/mnt/guest", (char*)NULL);
    _exit(127);
  }
  int status = 0;
  pid_t ended;
  do {
    ended = wait(&status);
  } while (ended != child && (ended > 0 || errno == EINTR));
  printf("bailey end %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128);
  fflush(stdout);
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
