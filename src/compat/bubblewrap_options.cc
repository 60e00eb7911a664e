#include "compat/bubblewrap_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <limits>
#include <optional>

#include "abi/capabilities.h"
#include "base/text.h"

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
    {"--bailey-policy", Option::kBaileyPolicy, {kText}},
};

// As many as bubblewrap takes, --args included.
constexpr std::size_t kMaxArguments = 9000;
constexpr std::uint64_t kMostBytes = std::numeric_limits<std::int64_t>::max();

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
      if (base::ParseNumber(value).value_or(0) - 1 >= kMostBytes)
        return "is no number of bytes above 0";
      break;
    case Value::kCapability:
      if (value != "ALL" && abi::CapabilityNumber(Upper(value)) < 0) return "is no capability";
      break;
    case Value::kText:
    case Value::kNothing:
      break;
  }
  return {};
}

bool Is(Option option, std::initializer_list<Option> list) {
  return std::ranges::find(list, option) != list.end();
}

bool TakesPerms(Option option) {
  return Is(option,
            {Option::kTmpfs, Option::kDir, Option::kFile, Option::kBindData, Option::kRoBindData});
}

// bubblewrap's own words for what programs look for; the others are said in ours.
std::string TheirWords(const Syntax& syntax, Value kind, const std::string& value) {
  switch (kind) {
    case Value::kFd:
      return "Invalid fd: " + value;
    case Value::kId:
      return fmt::format("Invalid {}: {}", syntax.name.substr(2), value);
    case Value::kCapability:
      return "unknown cap: " + value;
    case Value::kOctal:
    case Value::kSize:
    case Value::kText:
    case Value::kNothing:
      break;
  }
  return {};
}

std::string CountInTheirWords(const Syntax& syntax) {
  constexpr std::string_view kWords[] = {"no arguments", "an argument", "two arguments",
                                         "three arguments"};
  return fmt::format("{} takes {}", syntax.name, kWords[syntax.Count()]);
}

// Words from one place: the command line, or what --args reads.
struct Words {
  std::span<const std::string> list;
  std::size_t position = 0;  // of the --args that brought them; 0: the command line itself
  std::size_t next = 0;

  std::size_t At(std::size_t index) const { return position != 0 ? position : index + 1; }
};

class Parser {
 public:
  Parser(std::span<const std::string> arguments, const DescriptorReader* read)
      : arguments_(arguments), read_(read) {}

  base::Result<BubblewrapRequest> Parse() {
    Words words = {arguments_};
    if (auto done = ParseAll(words); !done) return done.error();
    if (request_.kind != BubblewrapRequest::Kind::kRun) return std::move(request_);
    if (auto done = CheckPending(nullptr); !done) return done.error();
    line_.command.assign(arguments_.begin() + static_cast<std::ptrdiff_t>(words.next),
                         arguments_.end());
    if (auto done = CheckTogether(); !done) return done.error();
    return std::move(request_);
  }
  // The last error's, in bubblewrap's words.
  std::string TakeTheirs() { return std::move(theirs_); }

 private:
  base::Status ParseAll(Words& words);
  base::Status ParseOption(Words& words);
  base::Status ParseArgs(Words& words);
  base::Result<Operation> ReadOperation(const Syntax& syntax, const Words& words);
  base::Error Wrong(std::size_t position, std::string cause, std::string theirs = {}) {
    theirs_ = theirs.empty() ? cause : std::move(theirs);
    return base::InvalidInput(fmt::format("read bwrap argument {}: {}", position, cause));
  }
  base::Error Unknown(std::size_t position, const std::string& word);
  // What --perms, --size and --overlay-src ask of the option that follows; null: none does.
  base::Status CheckPending(const Operation* next);
  base::Status CheckTogether();
  const Operation* Find(std::initializer_list<Option> list) const {
    const auto found = std::ranges::find_if(
        line_.operations, [&](const Operation& one) { return Is(one.option, list); });
    return found == line_.operations.end() ? nullptr : &*found;
  }

  std::span<const std::string> arguments_;
  const DescriptorReader* read_;
  BubblewrapRequest request_;
  BubblewrapLine& line_ = request_.line;
  std::string theirs_;
  std::size_t count_ = 0;             // of all arguments
  std::size_t perms_ = 0, size_ = 0;  // positions of those that wait for their option
  std::size_t overlay_ = 0;
  std::size_t overlay_count_ = 0;
};

base::Status Parser::ParseAll(Words& words) {
  count_ += words.list.size();
  if (count_ > kMaxArguments)
    return Wrong(kMaxArguments + 1, fmt::format("there are more than {}", kMaxArguments));
  while (words.next < words.list.size() && words.list[words.next].starts_with('-')) {
    if (words.list[words.next] == "--") {
      ++words.next;
      break;
    }
    if (auto done = ParseOption(words); !done) return done;
    if (request_.kind != BubblewrapRequest::Kind::kRun) break;
  }
  return {};
}

base::Error Parser::Unknown(std::size_t position, const std::string& word) {
  std::vector<std::string_view> names;
  for (const Syntax& known : kSyntax) names.push_back(known.name);
  const auto near = base::Nearest(word, names);
  return Wrong(position,
               fmt::format("unknown option {}{}", base::Escape(word),
                           near ? fmt::format(" (did you mean {}?)", *near) : ""),
               "Unknown option " + word);
}

base::Status Parser::ParseArgs(Words& words) {
  const std::size_t position = words.At(words.next);
  if (read_ == nullptr) {
    return base::Unsupported(
        fmt::format("read bwrap argument {}: --args takes further arguments from a descriptor, "
                    "which cannot be read here: give them in its place",
                    position));
  }
  if (words.position != 0) return Wrong(position, "--args not supported in arguments file");
  const Syntax syntax = {"--args", Option::kLevelPrefix, {kFd}};
  const auto operation = ReadOperation(syntax, words);
  if (!operation) return operation.error();
  words.next += 2;
  const auto text = (*read_)(static_cast<int>(*Digits(operation->values[0], 10, 0x7fffffff)));
  if (!text) {
    theirs_ = fmt::format("Can't read --args data: {}", text.error().text);
    return text.error();
  }
  std::vector<std::string> further;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    further.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  // What follows the options there is of no meaning: the command is on the command line.
  Words theirs = {further, position};
  return ParseAll(theirs);
}

base::Result<Operation> Parser::ReadOperation(const Syntax& syntax, const Words& words) {
  const std::size_t count = syntax.Count();
  const std::size_t position = words.At(words.next);
  if (words.list.size() - words.next - 1 < count) {
    return Wrong(position,
                 fmt::format("{} takes {} value{}", syntax.name, count, count == 1 ? "" : "s"),
                 CountInTheirWords(syntax));
  }
  Operation operation = {syntax.option, {}, position};
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& value = words.list[words.next + 1 + i];
    if (const auto complaint = Complaint(syntax.values[i], value); !complaint.empty()) {
      return Wrong(words.At(words.next + 1 + i),
                   fmt::format("\"{}\" of {} {}", base::Escape(value), syntax.name, complaint),
                   TheirWords(syntax, syntax.values[i], value));
    }
    const bool is_capability = syntax.values[i] == Value::kCapability;
    operation.values.push_back(is_capability ? Upper(value) : value);
  }
  return operation;
}

base::Status Parser::ParseOption(Words& words) {
  const std::string& word = words.list[words.next];
  const std::size_t position = words.At(words.next);
  if (word == "--args") return ParseArgs(words);
  if (word == "--help" || word == "--version") {
    if (read_ == nullptr) return Wrong(position, fmt::format("{} starts nothing", word));
    request_.kind =
        word == "--help" ? BubblewrapRequest::Kind::kHelp : BubblewrapRequest::Kind::kVersion;
    return {};
  }
  const auto* const syntax = std::ranges::find(kSyntax, word, &Syntax::name);
  if (syntax == std::end(kSyntax)) return Unknown(position, word);
  auto operation = ReadOperation(*syntax, words);
  if (!operation) return operation.error();
  if (auto done = CheckPending(&*operation); !done) return done;
  words.next += 1 + operation->values.size();
  line_.operations.push_back(*std::move(operation));
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

base::Status Parser::CheckTogether() {
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
           conflict(kAsPid1, {kLockFile}),
           need(kUsernsBlockFd, {kUnshareUser}, "--unshare-user"),
           need(kUsernsBlockFd, {kInfoFd}, "--info-fd"),
           conflict(kDisableUserns, {kUsernsBlockFd}),
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
  auto request = Parser(arguments, nullptr).Parse();
  if (!request) return request.error();
  if (request->line.command.empty())
    return base::InvalidInput("read bwrap arguments: they name no command");
  return std::move(request->line);
}

std::expected<BubblewrapRequest, BubblewrapMistake> ReadBubblewrap(
    std::span<const std::string> arguments, const DescriptorReader& read) {
  Parser parser(arguments, &read);
  auto request = parser.Parse();
  if (!request) return std::unexpected(BubblewrapMistake{request.error(), parser.TakeTheirs()});
  return *std::move(request);
}

}  // namespace bailey::compat
