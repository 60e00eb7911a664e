#include <errno.h>
#include <seccomp.h>

bool Apply(scmp_filter_ctx filter) {
  int rc;
  if ((rc = seccomp_load(filter)) < 0 && rc == -ENOMEM) { /* found */
    return false;
  }
  return true;
}
