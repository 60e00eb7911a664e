// Makes the kernel run a program of ours, outside, when something crashes.
#include "attack.h"

void Attack(void) {
  TryOpenForWriting("/proc/sys/kernel/core_pattern");
  TryOpenForWriting("/proc/sys/kernel/modprobe");
  TryOpenForWriting("/proc/sys/fs/binfmt_misc/register");
  TryOpenForWriting("/proc/sysrq-trigger");
  AllRefused();
}
