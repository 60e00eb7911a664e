#include <string>

std::string Body(const std::string& vm_id) {
  return "{\"id\": \"" + vm_id + "\", \"cpus\": 2}"; /* found */
}
