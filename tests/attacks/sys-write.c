// Writes to the kernel through /sys, and to control groups.
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  const char* const files[] = {"/sys/kernel/uevent_helper",
                               "/sys/kernel/mm/transparent_hugepage/enabled",
                               "/sys/power/state",
                               "/sys/fs/cgroup/cgroup.procs",
                               "/sys/fs/cgroup/memory/cgroup.procs",
                               "/sys/fs/cgroup/memory/release_agent",
                               "/sys/fs/cgroup/unified/cgroup.procs"};
  for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); ++i) TryOpenForWriting(files[i]);
  const char* const groups[] = {"/sys/fs/cgroup/bailey-attack",
                                "/sys/fs/cgroup/memory/bailey-attack",
                                "/sys/fs/cgroup/unified/bailey-attack"};
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); ++i) {
    if (mkdir(groups[i], 0700) == 0) {
      rmdir(groups[i]);
      Escaped("made the control group %s", groups[i]);
    }
    Refused("mkdir %s", groups[i]);
  }
  AllRefused();
}
