#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/text.h"
#include "model/client.h"

namespace bailey::model {
namespace {

namespace fs = std::filesystem;

base::Result<std::string> Checked(std::string_view key, const std::string& what) {
  key = base::Trim(key);
  if (key.empty()) return base::InvalidInput(what + ": it is empty");
  for (const char c : key) {
    // It becomes part of a header.
    if (c <= ' ' || c > '~') return base::InvalidInput(what + ": it has blanks or controls in it");
  }
  return std::string(key);
}

}  // namespace

base::Result<std::string> ReadKeyFile(const std::string& path) {
  const std::string what = fmt::format("read key \"{}\"", base::Escape(path));
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) return base::SystemError(what, error.value());
  if (status.type() != fs::file_type::regular) return base::InvalidInput(what + ": it is no file");
  if ((status.permissions() & (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none) {
    return base::InvalidInput(
        fmt::format("{}: others than its owner may read it: chmod 600 it", what));
  }
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) {
    return file.is_open() ? base::InvalidInput(what + ": it is empty")
                          : base::InvalidInput(what + ": it cannot be opened");
  }
  return Checked(line, what);
}

base::Result<std::string> ReadKeyVariable(const std::string& name) {
  const std::string what = fmt::format("read key ${}", base::Escape(name));
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return base::InvalidInput(what + ": it is not set");
  return Checked(value, what);
}

}  // namespace bailey::model
