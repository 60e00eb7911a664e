// Files that a tool server may touch: everything below the directories it was given.
#include <algorithm>
#include <expected>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace tools {

namespace fs = std::filesystem;

class Files {
 public:
  explicit Files(std::vector<fs::path> allowed) : allowed_(std::move(allowed)) {}

  std::expected<std::string, std::string> Read(const std::string& request) const;
  std::expected<void, std::string> Write(const std::string& request, std::string_view text) const;

 private:
  std::expected<fs::path, std::string> Resolve(const std::string& request) const;
  bool IsAllowed(const fs::path& path) const;

  std::vector<fs::path> allowed_;
};

namespace {

// Schemes are text and nothing else: "file:///x" is one, whatever stands behind it.
bool HasScheme(std::string_view request) { return request.starts_with("file://"); }

}  // namespace

bool Files::IsAllowed(const fs::path& path) const {
  const std::string text = path.string();
  return std::any_of(allowed_.begin(), allowed_.end(), [&](const fs::path& directory) {
    return text.starts_with(directory.string());
  });
}

// Links are followed before the comparison, also in parents of what does not exist yet.
std::expected<fs::path, std::string> Files::Resolve(const std::string& request) const {
  const std::string name = HasScheme(request) ? request.substr(7) : request;
  if (name.empty() || name.find('\0') != std::string::npos) {
    return std::unexpected("resolve: the path is empty or has a zero in it");
  }
  std::error_code error;
  const fs::path path = fs::weakly_canonical(name, error);
  if (error) return std::unexpected("resolve " + name + ": " + error.message());
  if (!IsAllowed(path)) return std::unexpected("resolve " + name + ": outside of what is allowed");
  return path;
}

std::expected<std::string, std::string> Files::Read(const std::string& request) const {
  auto path = Resolve(request);
  if (!path) return std::unexpected(path.error());
  std::ifstream file(*path, std::ios::binary);
  if (!file) return std::unexpected("open " + path->string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::expected<void, std::string> Files::Write(const std::string& request,
                                              std::string_view text) const {
  auto path = Resolve(request);
  if (!path) return std::unexpected(path.error());
  std::ofstream file(*path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) return std::unexpected("write " + path->string());
  return {};
}

}  // namespace tools
