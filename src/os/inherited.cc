#include "os/inherited.h"

#include <sys/resource.h>
#include <sys/stat.h>

namespace bailey::os {

std::uint32_t FileCreationMask() {
  // There is no call that only looks; this process has one thread.
  const mode_t mask = ::umask(077);
  (void)::umask(mask);
  return mask;
}

std::vector<std::uint64_t> ResourceLimits() {
  std::vector<std::uint64_t> limits;
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    struct rlimit limit = {};
    // A resource that an older kernel does not know has no limit.
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) limit = {};
    limits.push_back(limit.rlim_cur);
    limits.push_back(limit.rlim_max);
  }
  return limits;
}

}  // namespace bailey::os
