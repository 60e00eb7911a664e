// Opens a performance counter (CVE-2013-2094).
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof(attributes));
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof(attributes);
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.exclude_kernel = 1;
  if (syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0) >= 0) Escaped("opened a counter");
  if (IsControl()) CannotBeTried("this kernel gives no counters to this user");
  Refused("perf_event_open");
  AllRefused();
}
