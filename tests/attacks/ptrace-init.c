// Traces PID 1 of its own namespace, which runs under a filter that is no stricter.
#include <sys/ptrace.h>

#include "attack.h"

void Attack(void) {
  if (ptrace(PTRACE_SEIZE, 1, 0, 0) == 0) Escaped("traces PID 1");
  Refused("PTRACE_SEIZE 1");
  if (ptrace(PTRACE_ATTACH, 1, 0, 0) == 0) Escaped("traces PID 1");
  Refused("PTRACE_ATTACH 1");
  AllRefused();
}
