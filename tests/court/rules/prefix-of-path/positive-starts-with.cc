#include <string>

bool Allowed(const std::string& requested_path, const Config& config) {
  const std::string full_path = Join(config.cwd, requested_path);
  if (full_path.rfind(config.base_dir, 0) != 0) return false; /* found */
  return true;
}
