#include "image/tool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/text.h"
#include "base/unique_fd.h"
#include "os/file.h"
#include "os/identity.h"
#include "os/process.h"
#include "os/vmm.h"

namespace bailey::image {
namespace {

constexpr std::size_t kMostSaid = 64 << 10;
constexpr const char* kPlaces[] = {"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"};

// The first process of a namespace of its own: the kernel ends all others with it.
bool EnterNamespace(bool is_user, uid_t uid, gid_t gid) {
  if (!is_user) return true;
  const auto proc = os::Open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
  return proc && os::WriteOwnIdMaps(proc->Get(), {uid, uid, 1}, {gid, gid, 1}, true);
}

// In the child: nothing allocates.
[[noreturn]] void Become(const std::vector<std::string>& paths, char* const* argv, int input,
                         int said, const Tool& tool) {
  const char* const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
                                     tool.variable, nullptr};
  const bool ready = os::DieWithParent() && os::ResetSignals() && os::Duplicate(input, 0) &&
                     os::Duplicate(tool.output >= 0 ? tool.output : said, 1) &&
                     os::Duplicate(said, 2);
  if (!ready) os::Exit(126);
  for (const int fd : tool.descriptors)
    if (!os::KeepOnExecution(fd)) os::Exit(126);
  for (const std::string& path : paths)
    (void)os::Execute(path.c_str(), argv, const_cast<char* const*>(environment));
  os::Exit(127);
}

}  // namespace

base::Status RunTool(const Tool& tool) {
  std::vector<std::string> paths;
  for (const char* const place : kPlaces)
    paths.push_back(fmt::format("{}/{}", place, tool.argv[0]));
  std::vector<char*> argv;
  for (const std::string& word : tool.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  auto pipe = os::MakePipe();
  if (!pipe) return base::SystemError(tool.what, pipe.error().value);
  const auto none = os::Open(AT_FDCWD, "/dev/null", O_RDONLY);
  if (!none) return base::SystemError(tool.what, none.error().value);
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  const bool is_user = tool.is_alone && uid != 0;
  const std::uint32_t own = (tool.is_alone ? std::uint32_t{os::kPidNamespace} : 0) |
                            (is_user ? std::uint32_t{os::kUserNamespace} : 0);
  const auto child = os::Fork(own);
  if (!child) return base::SystemError(tool.what, child.error().value);
  if (child->pid == 0 && !EnterNamespace(is_user, uid, gid)) os::Exit(126);
  if (child->pid == 0)
    Become(paths, argv.data(), tool.input >= 0 ? tool.input : none->Get(), (*pipe)[1].Get(), tool);
  (*pipe)[1].Reset();
  std::string said;
  for (std::array<std::uint8_t, 4096> piece;;) {
    const auto count = os::ReadSome((*pipe)[0].Get(), piece);
    if (!count || *count == 0) break;
    if (said.size() < kMostSaid) said.append(reinterpret_cast<const char*>(piece.data()), *count);
  }
  const auto ended = os::WaitFor(child->pid);
  if (!ended) return base::SystemError(tool.what, ended.error().value);
  const int status = ended->wait_status;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return base::Unsupported(fmt::format("{}: {}{}{} is not installed", tool.what, tool.argv[0],
                                         tool.runs.empty() ? "" : ", or ", tool.runs));
  const std::string_view text = base::Trim(said);
  const std::size_t line = text.rfind('\n');
  const std::string_view last = line == std::string_view::npos ? text : text.substr(line + 1);
  return base::InvalidInput(
      fmt::format("{}: {} failed: {}", tool.what, tool.argv[0], base::Escape(last.substr(0, 300))));
}

}  // namespace bailey::image
