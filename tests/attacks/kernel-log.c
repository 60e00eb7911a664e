// Reads the kernel's log, which holds addresses.
#include <sys/klog.h>

#include "attack.h"

void Attack(void) {
  char text[4096];
  if (klogctl(3 /* SYSLOG_ACTION_READ_ALL */, text, sizeof(text)) > 0) {
    Escaped("read the kernel's log");
  }
  Refused("syslog");
  TryRead("/dev/kmsg");
  TryRead("/proc/kmsg");
  AllRefused();
}
