#include <filesystem>
#include <string>

bool IsAllowed(const std::filesystem::path& path, const std::filesystem::path& directory) {
  const std::string text = path.string();
  return text.starts_with(directory.string()); /* found */
}
