// bailey mcp wrap --config: a client's configuration, rewritten.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/libexec.h"
#include "cli/mcp.h"
#include "mcp/client_config.h"
#include "os/file.h"

namespace bailey::cli {
namespace {

constexpr std::size_t kMost = 16 << 20;

// Whole or not at all, with the old file's mode: it may hold secrets.
base::Status Replace(const std::string& path, const std::string& text) {
  const auto old = os::Stat(AT_FDCWD, path.c_str(), true);
  if (!old) return base::SystemError("look at " + path, old.error().value);
  const std::string beside = fmt::format("{}.bailey-{}", path, ::getpid());
  const auto file = os::Open(AT_FDCWD, beside.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file) return base::SystemError("make " + beside, file.error().value);
  auto done = os::WriteAll(file->Get(), text);
  if (done) done = os::ChangeMode(file->Get(), old->st_mode & 07777);
  if (done && ::geteuid() == 0) done = os::ChangeOwner(file->Get(), old->st_uid, old->st_gid);
  if (done) done = os::Rename(beside.c_str(), path.c_str());
  if (done) return {};
  (void)os::RemoveFile(AT_FDCWD, beside.c_str());  // the first error is the one to say
  return base::SystemError("write " + path, done.error().value);
}

}  // namespace

int RunMcpConfig(int argc, char** argv) {
  Arguments arguments(
      "mcp wrap",
      "Rewrites a client's configuration (Claude Desktop and Code, Cursor, VS Code) so that its\n"
      "servers are started by `bailey mcp wrap`; with --undo, back. Variables of a server's "
      "\"env\"\n"
      "are passed on by name; their values stay where they are, and are not shown. Prints which\n"
      "servers were rewritten, and which not, and why. What stands behind \"--\" are options of\n"
      "`bailey mcp wrap`, for every server.");
  std::string config, bailey = "bailey";
  bool undo = false, dry_run = false;
  arguments.Value("--config", config, "the configuration").Required().Called("FILE");
  arguments.Flag("--undo", undo, "take bailey out again");
  arguments.Flag("--dry-run", dry_run, "say what would be done, and write nothing");
  arguments.Value("--bailey", bailey, "the command to write (default: bailey, by PATH)");
  const SplitWords words = SplitAtDashes(argc, argv);
  if (const auto code = arguments.Read(words.options, kUsage)) return *code;
  const auto text = os::ReadFile(AT_FDCWD, config.c_str(), kMost);
  if (!text) return Fail("mcp wrap", base::SystemError("read " + config, text.error().value));
  const auto rewritten =
      mcp::RewriteConfig(*text, config, {.bailey = bailey, .options = words.program, .undo = undo});
  if (!rewritten) return Fail("mcp wrap", rewritten.error());
  if (!dry_run && !rewritten->changed.empty())
    if (const auto done = Replace(config, rewritten->text); !done)
      return Fail("mcp wrap", done.error());
  for (const std::string& name : rewritten->changed) fmt::print("rewritten {}\n", name);
  for (const std::string& line : rewritten->unchanged) fmt::print("left {}\n", line);
  return kYes;
}

}  // namespace bailey::cli
