// What a program sees of its sandbox, in lines that are the same in every sandbox of one policy:
// run where a fault was injected, it must see what it sees without one.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void PrintStatus(void) {
  static const char* const keys[] = {"Uid:",    "Gid:",    "Groups:", "CapInh:", "CapPrm:",
                                     "CapEff:", "CapBnd:", "CapAmb:", "NoNewPr", "Seccomp",
                                     "SigBlk:", "SigIgn:", "TracerP"};
  char line[512];
  FILE* const file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof(line), file))
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) - 1; ++i)
      if (strncmp(line, keys[i], strlen(keys[i])) == 0) fputs(line, stdout);
}

// Mount points and options; numbers and what is under them differ from run to run.
static void PrintMounts(void) {
  char line[4096], point[1024], options[256];
  FILE* const file = fopen("/proc/self/mountinfo", "r");
  while (file && fgets(line, sizeof(line), file))
    if (sscanf(line, "%*d %*d %*s %*s %1023s %255s", point, options) == 2)
      printf("mount %s %s\n", point, options);
}

static void Try(const char* what, long result) {
  printf("%s: %s\n", what, result < 0 ? strerror(errno) : "done");
  if (result > 2 && strncmp(what, "open", 4) == 0) close((int)result);
}

int main(void) {
  PrintStatus();
  PrintMounts();
  printf("ids %d %d %d %d, pid %d, session %d\n", getuid(), geteuid(), getgid(), getegid(),
         getpid(), getsid(0) == getpid());
  char name[256] = "";
  gethostname(name, sizeof(name));
  printf("host %s\n", name);
  if (getcwd(name, sizeof(name))) printf("directory %s\n", name);
  for (int resource = 0; resource < RLIMIT_NLIMITS; ++resource) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) == 0)
      printf("limit %d %ld %ld\n", resource, (long)limit.rlim_cur, (long)limit.rlim_max);
  }
  DIR* const descriptors = opendir("/proc/self/fd");
  int open_ones = 0;
  while (descriptors && readdir(descriptors)) ++open_ones;
  printf("descriptors %d\n", open_ones);
  // As root, a file of the host's root belongs to nobody here; where the caller's own id is mapped,
  // to the program.
  struct stat found;
  if (stat("/usr", &found) == 0) printf("owner of /usr %u\n", found.st_uid);
  Try("open /etc/shadow", open("/etc/shadow", O_RDONLY));
  Try("open /proc/sys/kernel/core_pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
  Try("open /usr/made", open("/usr/made", O_WRONLY | O_CREAT, 0600));
  Try("open /proc/1/mem", open("/proc/1/mem", O_RDWR));
  Try("socket inet", socket(AF_INET, SOCK_STREAM, 0));
  Try("socket packet", socket(AF_PACKET, SOCK_RAW, 0));
  Try("unshare", syscall(SYS_unshare, 0x10000000));
  Try("mount", syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, ""));
  Try("keyctl", syscall(SYS_keyctl, 0, -3, 0));
  Try("chroot", chroot("/tmp"));
  // Landlock alone refuses this one: the directory is the sandbox's own and may be entered.
  Try("mkdir /made", mkdir("/made", 0700));
  Try("setuid 0", setuid(0));
  return 0;
}
