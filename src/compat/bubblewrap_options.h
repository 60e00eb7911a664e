// The options of bubblewrap 0.11 as a plain value: what was asked, in which order, and where. It
// says nothing about what they mean.
//
//   auto line = compat::ParseBubblewrap(arguments);
//   if (!line) return line.error();           // "read bwrap argument 3: --bind takes 2 values"
//   for (const Operation& operation : line->operations)
//     if (operation.option == Option::kBind) Show(operation.values[0], operation.values[1]);
//
// Grammar: OPTION [VALUE ...] ... [--] COMMAND [ARGUMENT ...]. The first word that does not begin
// with '-' is the command. File system options act in the order in which they are given; of
// --seccomp, --uid and the like the last one holds. --args takes further options from a descriptor,
// which ParseBubblewrap does not have: there it is an error.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::compat {

enum class Option : std::uint8_t {
  kArgv0,
  kLevelPrefix,
  kUnshareAll,
  kShareNet,
  kUnshareUser,
  kUnshareUserTry,
  kUnshareIpc,
  kUnsharePid,
  kUnshareNet,
  kUnshareUts,
  kUnshareCgroup,
  kUnshareCgroupTry,
  kUserns,
  kUserns2,
  kDisableUserns,
  kAssertUsernsDisabled,
  kPidns,
  kUid,
  kGid,
  kHostname,
  kChdir,
  kClearenv,
  kSetenv,
  kUnsetenv,
  kLockFile,
  kSyncFd,
  kBind,
  kBindTry,
  kDevBind,
  kDevBindTry,
  kRoBind,
  kRoBindTry,
  kBindFd,
  kRoBindFd,
  kRemountRo,
  kOverlaySrc,
  kOverlay,
  kTmpOverlay,
  kRoOverlay,
  kExecLabel,
  kFileLabel,
  kProc,
  kDev,
  kTmpfs,
  kMqueue,
  kDir,
  kFile,
  kBindData,
  kRoBindData,
  kSymlink,
  kSeccomp,
  kAddSeccompFd,
  kBlockFd,
  kUsernsBlockFd,
  kInfoFd,
  kJsonStatusFd,
  kNewSession,
  kDieWithParent,
  kAsPid1,
  kCapAdd,
  kCapDrop,
  kPerms,
  kSize,
  kChmod,
  kBaileyPolicy,  // not bubblewrap's: a policy of ours on top
};

struct Operation {
  Option option = Option::kLevelPrefix;
  std::vector<std::string> values;  // as many as the option takes, each checked
  std::size_t position = 0;         // of the option among the arguments, from 1
  bool operator==(const Operation&) const = default;
};

struct BubblewrapLine {
  std::vector<Operation> operations;
  std::vector<std::string> command;  // never empty
  bool operator==(const BubblewrapLine&) const = default;
};

struct BubblewrapRequest {
  enum class Kind : std::uint8_t { kRun, kHelp, kVersion };
  Kind kind = Kind::kRun;
  BubblewrapLine line;  // of kRun; the command is empty where none is named
  bool operator==(const BubblewrapRequest&) const = default;
};

struct BubblewrapMistake {
  base::Error error;
  std::string text;  // as bubblewrap says it, where a program may look for its words
};

// All that can be read from a descriptor.
using DescriptorReader = std::function<base::Result<std::string>(int)>;

// The command line as its front end takes it.
std::expected<BubblewrapRequest, BubblewrapMistake> ReadBubblewrap(
    std::span<const std::string> arguments, const DescriptorReader& read);

// One line for each option, for --help.
std::string BubblewrapHelp();

// "--bind".
std::string_view Name(Option option);
// "--bind /usr /usr".
std::string ToString(const Operation& operation);

// `arguments` without the program's name. --help and --version are errors: they start nothing.
base::Result<BubblewrapLine> ParseBubblewrap(std::span<const std::string> arguments);

}  // namespace bailey::compat
