#include <linux/seccomp.h>
#include <sys/mount.h>

#include "os/mount.h"
