#include "cli/review_before.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/text.h"

namespace bailey::cli {
namespace {

constexpr std::size_t kMaxBytes = 4u << 20;

}  // namespace

base::Result<std::string> TextAt(const std::string& revision, const std::string& path) {
  const std::string what = fmt::format("read {} of {}", base::Escape(path), base::Escape(revision));
  // "rev:path" names a file to git, and a word that starts with '-' an option.
  if (revision.empty() || revision.starts_with('-') || revision.find(':') != std::string::npos)
    return base::InvalidInput(what + ": that is no revision");
  const std::filesystem::path file(path);
  const std::string directory = file.has_parent_path() ? file.parent_path().string() : ".";
  const std::string object = fmt::format("{}:./{}", revision, file.filename().string());
  const std::string command = fmt::format("git -C {} show {} 2>/dev/null",
                                          base::ShellQuote(directory), base::ShellQuote(object));
  std::FILE* const pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) return base::SystemError(what, errno);
  std::string text(kMaxBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), pipe));
  const int status = ::pclose(pipe);
  if (text.size() > kMaxBytes)
    return base::InvalidInput(fmt::format("{}: it is larger than {} bytes", what, kMaxBytes));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return base::InvalidInput(
        what + ": it is no file, and no revision of a git tree that has the subject");
  }
  return text;
}

}  // namespace bailey::cli
