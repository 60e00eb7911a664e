#include "compat/bubblewrap_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <limits>
#include <optional>

#include "base/text.h"
#include "os/identity.h"

namespace bailey::compat {
namespace {

enum class Value : std::uint8_t { kNothing, kText, kFd, kId, kOctal, kSize, kCapability };

struct Syntax {
  std::string_view name;
  Option option;
  Value values[3] = {};

  std::size_t Count() const {
    return static_cast<std::size_t>(std::ranges::find(values, Value::kNothing) -
                                    std::begin(values));
  }
};

constexpr Value kText = Value::kText;
constexpr Value kFd = Value::kFd;

constexpr Syntax kSyntax[] = {
    {"--argv0", Option::kArgv0, {kText}},
    {"--level-prefix", Option::kLevelPrefix},
    {"--unshare-all", Option::kUnshareAll},
    {"--share-net", Option::kShareNet},
    {"--unshare-user", Option::kUnshareUser},
    {"--unshare-user-try", Option::kUnshareUserTry},
    {"--unshare-ipc", Option::kUnshareIpc},
    {"--unshare-pid", Option::kUnsharePid},
    {"--unshare-net", Option::kUnshareNet},
    {"--unshare-uts", Option::kUnshareUts},
    {"--unshare-cgroup", Option::kUnshareCgroup},
    {"--unshare-cgroup-try", Option::kUnshareCgroupTry},
    {"--userns", Option::kUserns, {kFd}},
    {"--userns2", Option::kUserns2, {kFd}},
    {"--disable-userns", Option::kDisableUserns},
    {"--assert-userns-disabled", Option::kAssertUsernsDisabled},
    {"--pidns", Option::kPidns, {kFd}},
    {"--uid", Option::kUid, {Value::kId}},
    {"--gid", Option::kGid, {Value::kId}},
    {"--hostname", Option::kHostname, {kText}},
    {"--chdir", Option::kChdir, {kText}},
    {"--clearenv", Option::kClearenv},
    {"--setenv", Option::kSetenv, {kText, kText}},
    {"--unsetenv", Option::kUnsetenv, {kText}},
    {"--lock-file", Option::kLockFile, {kText}},
    {"--sync-fd", Option::kSyncFd, {kFd}},
    {"--bind", Option::kBind, {kText, kText}},
    {"--bind-try", Option::kBindTry, {kText, kText}},
    {"--dev-bind", Option::kDevBind, {kText, kText}},
    {"--dev-bind-try", Option::kDevBindTry, {kText, kText}},
    {"--ro-bind", Option::kRoBind, {kText, kText}},
    {"--ro-bind-try", Option::kRoBindTry, {kText, kText}},
    {"--bind-fd", Option::kBindFd, {kFd, kText}},
    {"--ro-bind-fd", Option::kRoBindFd, {kFd, kText}},
    {"--remount-ro", Option::kRemountRo, {kText}},
    {"--overlay-src", Option::kOverlaySrc, {kText}},
    {"--overlay", Option::kOverlay, {kText, kText, kText}},
    {"--tmp-overlay", Option::kTmpOverlay, {kText}},
    {"--ro-overlay", Option::kRoOverlay, {kText}},
    {"--exec-label", Option::kExecLabel, {kText}},
    {"--file-label", Option::kFileLabel, {kText}},
    {"--proc", Option::kProc, {kText}},
    {"--dev", Option::kDev, {kText}},
    {"--tmpfs", Option::kTmpfs, {kText}},
    {"--mqueue", Option::kMqueue, {kText}},
    {"--dir", Option::kDir, {kText}},
    {"--file", Option::kFile, {kFd, kText}},
    {"--bind-data", Option::kBindData, {kFd, kText}},
    {"--ro-bind-data", Option::kRoBindData, {kFd, kText}},
    {"--symlink", Option::kSymlink, {kText, kText}},
    {"--seccomp", Option::kSeccomp, {kFd}},
    {"--add-seccomp-fd", Option::kAddSeccompFd, {kFd}},
    {"--block-fd", Option::kBlockFd, {kFd}},
    {"--userns-block-fd", Option::kUsernsBlockFd, {kFd}},
    {"--info-fd", Option::kInfoFd, {kFd}},
    {"--json-status-fd", Option::kJsonStatusFd, {kFd}},
    {"--new-session", Option::kNewSession},
    {"--die-with-parent", Option::kDieWithParent},
    {"--as-pid-1", Option::kAsPid1},
    {"--cap-add", Option::kCapAdd, {Value::kCapability}},
    {"--cap-drop", Option::kCapDrop, {Value::kCapability}},
    {"--perms", Option::kPerms, {Value::kOctal}},
    {"--size", Option::kSize, {Value::kSize}},
    {"--chmod", Option::kChmod, {Value::kOctal, kText}},
};

// As many as bubblewrap takes, --args included.
constexpr std::size_t kMaxArguments = 9000;

std::optional<std::uint64_t> Digits(std::string_view text, unsigned base, std::uint64_t most) {
  if (text.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : text) {
    const auto value = static_cast<unsigned>(digit - '0');
    if (digit < '0' || value >= base || number > (most - value) / base) return std::nullopt;
    number = number * base + value;
  }
  return number;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& letter : upper)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return upper;
}

// What is wrong with a value; empty when nothing is.
std::string_view Complaint(Value kind, const std::string& value) {
  switch (kind) {
    case Value::kFd:
      if (!Digits(value, 10, std::numeric_limits<int>::max())) return "is no descriptor's number";
      break;
    case Value::kId:
      // The highest is "no change" to the kernel.
      if (!Digits(value, 10, std::numeric_limits<std::uint32_t>::max() - 1))
        return "is no user's or group's number";
      break;
    case Value::kOctal:
      if (!Digits(value, 8, 07777)) return "is no octal mode up to 07777";
      break;
    case Value::kSize:
      if (Digits(value, 10, std::numeric_limits<std::int64_t>::max()).value_or(0) == 0)
        return "is no number of bytes above 0";
      break;
    case Value::kCapability:
      if (value != "ALL" && os::CapabilityNumber(Upper(value).c_str()) < 0)
        return "is no capability";
      break;
    case Value::kText:
    case Value::kNothing:
      break;
  }
  return {};
}

base::Error Wrong(std::size_t position, std::string cause) {
  return base::InvalidInput(fmt::format("read bwrap argument {}: {}", position, cause));
}

bool Is(Option option, std::initializer_list<Option> list) {
  return std::ranges::find(list, option) != list.end();
}

bool TakesPerms(Option option) {
  return Is(option,
            {Option::kTmpfs, Option::kDir, Option::kFile, Option::kBindData, Option::kRoBindData});
}

class Parser {
 public:
  explicit Parser(std::span<const std::string> arguments) : arguments_(arguments) {}

  base::Result<BubblewrapLine> Parse() {
    if (arguments_.size() > kMaxArguments)
      return Wrong(kMaxArguments + 1, fmt::format("there are more than {}", kMaxArguments));
    while (next_ < arguments_.size() && arguments_[next_].starts_with('-')) {
      if (arguments_[next_] == "--") {
        ++next_;
        break;
      }
      if (auto done = ParseOption(); !done) return done.error();
    }
    if (auto done = CheckPending(nullptr); !done) return done.error();
    if (next_ == arguments_.size())
      return base::InvalidInput("read bwrap arguments: they name no command");
    line_.command.assign(arguments_.begin() + static_cast<std::ptrdiff_t>(next_), arguments_.end());
    if (auto done = CheckTogether(); !done) return done.error();
    return std::move(line_);
  }

 private:
  base::Status ParseOption();
  // What --perms, --size and --overlay-src ask of the option that follows; null: none does.
  base::Status CheckPending(const Operation* next);
  base::Status CheckTogether() const;
  const Operation* Find(std::initializer_list<Option> list) const {
    const auto found = std::ranges::find_if(
        line_.operations, [&](const Operation& one) { return Is(one.option, list); });
    return found == line_.operations.end() ? nullptr : &*found;
  }

  std::span<const std::string> arguments_;
  std::size_t next_ = 0;
  BubblewrapLine line_;
  std::size_t perms_ = 0, size_ = 0;  // positions of those that wait for their option
  std::size_t overlay_ = 0;
  std::size_t overlay_count_ = 0;
};

base::Status Parser::ParseOption() {
  const std::string& word = arguments_[next_];
  const std::size_t position = next_ + 1;
  if (word == "--args") {
    return base::Unsupported(
        fmt::format("read bwrap argument {}: --args takes further arguments from a descriptor, "
                    "which cannot be read here: give them in its place",
                    position));
  }
  if (word == "--help" || word == "--version")
    return Wrong(position, fmt::format("{} starts nothing", word));
  const auto* const syntax = std::ranges::find(kSyntax, word, &Syntax::name);
  if (syntax == std::end(kSyntax)) {
    std::vector<std::string_view> names;
    for (const Syntax& known : kSyntax) names.push_back(known.name);
    const auto near = base::Nearest(word, names);
    return Wrong(position, fmt::format("unknown option {}{}", base::Escape(word),
                                       near ? fmt::format(" (did you mean {}?)", *near) : ""));
  }
  const std::size_t count = syntax->Count();
  if (arguments_.size() - next_ - 1 < count) {
    return Wrong(position, fmt::format("{} takes {} value{}", word, count, count == 1 ? "" : "s"));
  }
  Operation operation = {syntax->option, {}, position};
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& value = arguments_[next_ + 1 + i];
    if (const auto complaint = Complaint(syntax->values[i], value); !complaint.empty()) {
      return Wrong(position + 1 + i,
                   fmt::format("\"{}\" of {} {}", base::Escape(value), word, complaint));
    }
    const bool is_capability = syntax->values[i] == Value::kCapability;
    operation.values.push_back(is_capability ? Upper(value) : value);
  }
  if (auto done = CheckPending(&operation); !done) return done;
  next_ += 1 + count;
  line_.operations.push_back(std::move(operation));
  return {};
}

base::Status Parser::CheckPending(const Operation* next) {
  const Option option = next == nullptr ? Option::kLevelPrefix : next->option;
  const bool is_modifier = next != nullptr && Is(option, {Option::kPerms, Option::kSize});
  if (size_ != 0 && !is_modifier && option != Option::kTmpfs)
    return Wrong(size_, "--size is not followed by --tmpfs");
  if (perms_ != 0 && !is_modifier && !TakesPerms(option))
    return Wrong(perms_, "--perms is not followed by an option that makes a file");
  if (overlay_ != 0 &&
      !Is(option, {Option::kOverlaySrc, Option::kOverlay, Option::kTmpOverlay, Option::kRoOverlay}))
    return Wrong(overlay_, "--overlay-src is not followed by an overlay");
  if (next == nullptr) return {};
  if (option == Option::kPerms && perms_ != 0)
    return Wrong(next->position, "--perms is given twice for one action");
  if (option == Option::kSize && size_ != 0)
    return Wrong(next->position, "--size is given twice for one action");
  const std::size_t needed = option == Option::kRoOverlay ? 2 : 1;
  if (Is(option, {Option::kOverlay, Option::kTmpOverlay, Option::kRoOverlay}) &&
      overlay_count_ < needed) {
    return Wrong(next->position, fmt::format("{} needs {} --overlay-src before it", Name(option),
                                             needed == 2 ? "two" : "an"));
  }
  if (!is_modifier) perms_ = size_ = 0;
  if (option == Option::kPerms) perms_ = next->position;
  if (option == Option::kSize) size_ = next->position;
  const bool is_source = option == Option::kOverlaySrc;
  overlay_ = is_source ? next->position : 0;
  overlay_count_ = is_source ? overlay_count_ + 1 : 0;
  return {};
}

base::Status Parser::CheckTogether() const {
  using enum Option;
  const auto conflict = [this](Option a, std::initializer_list<Option> b) -> base::Status {
    const Operation* const first = Find({a});
    const Operation* const second = Find(b);
    if (first == nullptr || second == nullptr) return {};
    return Wrong(second->position, fmt::format("{} cannot be combined with {} (argument {})",
                                               Name(second->option), Name(a), first->position));
  };
  const auto need = [this](Option option, std::initializer_list<Option> others,
                           std::string_view text) -> base::Status {
    const Operation* const one = Find({option});
    if (one == nullptr || Find(others) != nullptr) return {};
    return Wrong(one->position, fmt::format("{} needs {}", Name(option), text));
  };
  for (const base::Status& status : {
           conflict(kUserns, {kUnshareUser, kUnshareUserTry, kUnshareAll}),
           conflict(kUserns, {kDisableUserns}),
           conflict(kSeccomp, {kAddSeccompFd}),
           need(kDisableUserns, {kUnshareUser}, "--unshare-user"),
           need(kHostname, {kUnshareUts, kUnshareAll}, "--unshare-uts"),
           need(kAsPid1, {kUnsharePid, kUnshareAll}, "--unshare-pid"),
       }) {
    if (!status) return status;
  }
  return {};
}

}  // namespace

std::string_view Name(Option option) {
  return std::ranges::find(kSyntax, option, &Syntax::option)->name;
}

std::string ToString(const Operation& operation) {
  std::string text(Name(operation.option));
  for (const std::string& value : operation.values) text += " " + base::ShellQuote(value);
  return text;
}

base::Result<BubblewrapLine> ParseBubblewrap(std::span<const std::string> arguments) {
  return Parser(arguments).Parse();
}

}  // namespace bailey::compat
