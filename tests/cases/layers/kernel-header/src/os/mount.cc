#include <sys/mount.h>
#include <linux/mount.h>
