#include "policy/import_systemd.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "abi/constants.h"
#include "abi/syscalls.h"
#include "base/text.h"
#include "policy/load.h"
#include "policy/systemd_groups.h"

namespace bailey::policy {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = text.find_first_not_of(kBlank); at != text.npos;
       at = text.find_first_not_of(kBlank, at)) {
    const std::size_t end = std::min(text.find_first_of(kBlank, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// What stands below the group's name; empty when there is no such group.
std::vector<std::string_view> MembersOf(std::string_view group) {
  std::vector<std::string_view> members;
  bool is_inside = false;
  for (const std::string_view line : base::Split(SystemdGroupsText(), '\n')) {
    if (!line.starts_with(' ')) {
      is_inside = line == group;
    } else if (is_inside) {
      for (const std::string_view word : Words(line)) members.push_back(word);
    }
  }
  return members;
}

struct Listed {
  std::optional<Answer> answer;  // written behind the call
  std::uint32_t line = 0;        // 0: not listed
};

using Indexes = std::vector<std::size_t>;  // of calls, into abi::AllNames()

class Importer {
 public:
  Importer(std::string_view file, abi::Arch native)
      : file_(file), native_(native), listed_(abi::AllNames().size()) {}

  base::Result<Syscalls> Import(std::string_view unit) {
    std::string logical;
    std::uint32_t number = 0;
    for (const std::string_view physical : base::Split(unit, '\n')) {
      ++number;
      std::string_view text = base::Trim(physical);
      const bool is_comment = text.starts_with('#') || text.starts_with(';');
      if (is_comment) continue;  // also between continued lines
      if (logical.empty()) line_ = number;
      const bool continues = text.ends_with('\\');
      if (continues) text.remove_suffix(1);
      logical += text;
      if (continues) {
        logical += ' ';
        continue;
      }
      ReadLine(logical);
      logical.clear();
      if (error_) return *std::move(error_);
    }
    ReadLine(logical);
    if (!error_ && !is_allow_list_) {
      Fail("unit", "it has no SystemCallFilter=");
      error_->location.line = 0;
    }
    if (error_) return *std::move(error_);
    return Finish();
  }

 private:
  void Fail(std::string_view what, std::string_view cause) {
    if (error_) return;
    error_ = base::InvalidInput(fmt::format("read {}: {}", what, cause));
    error_->location = {std::string(file_), line_, 0};
  }

  void ReadLine(std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == line.npos) return;
    const std::string_view key = base::Trim(line.substr(0, equals));
    const std::string_view value = base::Trim(line.substr(equals + 1));
    if (key == "SystemCallFilter") ReadFilter(value);
    if (key == "SystemCallErrorNumber") {
      errno_ = value.empty() ? std::nullopt : AnswerOf(value, key);
    }
    if (key == "SystemCallArchitectures") ReadArchitectures(value);
  }

  std::optional<Answer> AnswerOf(std::string_view text, std::string_view what) {
    if (text == "kill") return Answer{abi::ActionKind::kKillProcess, "", 0};
    if (abi::ErrnoNumber(native_, text)) {
      return Answer{abi::ActionKind::kErrno, std::string(text), 0};
    }
    const auto number = base::ParseNumber(text);
    if (!number || *number > 4095) {
      Fail(what, fmt::format("\"{}\" is no errno", base::Escape(text)));
      return std::nullopt;
    }
    return Answer{abi::ActionKind::kErrno, "", static_cast<std::uint16_t>(*number)};
  }

  void ReadArchitectures(std::string_view value) {
    if (value.empty()) architectures_.clear();
    for (const std::string_view word : Words(value)) {
      std::string name(word);
      if (name == "x86-64") name = "x86_64";
      std::erase(name, '-');
      const auto arch = name == "native" ? std::optional(native_) : abi::FindArch(name);
      if (!arch) {
        Fail("SystemCallArchitectures",
             fmt::format("unknown architecture \"{}\"", base::Escape(word)));
        return;
      }
      if (std::ranges::find(architectures_, *arch) == architectures_.end()) {
        architectures_.push_back(*arch);
      }
    }
  }

  void ReadFilter(std::string_view value) {
    if (value.empty()) {
      std::ranges::fill(listed_, Listed());
      is_allow_list_.reset();
      return;
    }
    const bool is_inverted = value.starts_with('~');
    if (is_inverted) value.remove_prefix(1);
    if (!is_allow_list_) {
      is_allow_list_ = !is_inverted;
      if (*is_allow_list_) Put("@default", std::nullopt, true);
    }
    for (const std::string_view word : Words(value)) {
      const std::size_t colon = word.find(':');
      std::optional<Answer> answer;
      if (colon != word.npos) answer = AnswerOf(word.substr(colon + 1), "SystemCallFilter");
      Put(word.substr(0, colon), answer, is_inverted != *is_allow_list_);
      if (error_) return;
    }
  }

  // `adds`: to the list; otherwise it is taken away, unless an answer of its own is written.
  void Put(std::string_view name, const std::optional<Answer>& answer, bool adds) {
    if (name.starts_with('@')) {
      const Indexes& calls = CallsOf(name);
      if (calls.empty()) {
        Fail("SystemCallFilter", fmt::format("unknown group \"{}\"", base::Escape(name)));
      }
      for (const std::size_t call : calls) PutCall(call, answer, adds);
    } else if (const auto call = abi::NameIndexOf(name)) {
      PutCall(*call, answer, adds);
    } else {
      Fail("SystemCallFilter",
           fmt::format("no architecture has a system call \"{}\"", base::Escape(name)));
    }
  }

  void PutCall(std::size_t call, const std::optional<Answer>& answer, bool adds) {
    listed_[call] = adds || answer ? Listed{answer, line_} : Listed();
  }

  // Those of the groups in it too; each group is looked up once.
  const Indexes& CallsOf(std::string_view group) {
    const auto [known, is_new] = groups_.try_emplace(std::string(group));
    if (!is_new) return known->second;
    Indexes calls;
    for (const std::string_view member : MembersOf(group)) {
      if (member.starts_with('@')) {
        const Indexes& inner = CallsOf(member);
        calls.insert(calls.end(), inner.begin(), inner.end());
      } else if (const auto call = abi::NameIndexOf(member)) {
        // Others are of architectures that no table of ours is for.
        calls.push_back(*call);
      }
    }
    std::ranges::sort(calls);
    const auto repeated = std::ranges::unique(calls);
    calls.erase(repeated.begin(), repeated.end());
    return known->second = std::move(calls);
  }

  Syscalls Finish() const {
    const Answer allow = {abi::ActionKind::kAllow, "", 0};
    const Answer denial = errno_.value_or(Answer{abi::ActionKind::kKillProcess, "", 0});
    Syscalls syscalls;
    syscalls.default_action = *is_allow_list_ ? denial : allow;
    syscalls.fallback_default = syscalls.default_action;
    syscalls.unknown = *is_allow_list_ ? Answer{abi::ActionKind::kErrno, "ENOSYS", 0} : allow;
    syscalls.architectures = architectures_;
    if (syscalls.architectures.empty()) {
      syscalls.architectures.push_back(native_);
      if (const auto compat = abi::CompatArch(native_)) syscalls.architectures.push_back(*compat);
    }
    for (std::size_t call = 0; call < listed_.size(); ++call) {
      const Listed& listed = listed_[call];
      if (listed.line == 0) continue;
      Rule rule;
      rule.syscall = abi::AllNames()[call];
      rule.answer = listed.answer.value_or(*is_allow_list_ ? allow : denial);
      rule.origin = "SystemCallFilter";
      rule.location = {std::string(file_), listed.line, 0};
      syscalls.rules.push_back(std::move(rule));
    }
    return syscalls;
  }

  std::string_view file_;
  abi::Arch native_;
  std::uint32_t line_ = 0;
  std::vector<Listed> listed_;             // by index into abi::AllNames()
  std::map<std::string, Indexes> groups_;  // met so far
  std::optional<bool> is_allow_list_;      // none: nothing is filtered yet
  std::optional<Answer> errno_;
  std::vector<abi::Arch> architectures_;
  std::optional<base::Error> error_;
};

}  // namespace

base::Result<Syscalls> ImportSystemd(std::string_view unit, std::string_view file,
                                     abi::Arch native) {
  if (unit.size() > kMaxPolicyBytes) {
    return base::InvalidInput(fmt::format("read unit {}: it is larger than {} bytes",
                                          base::Escape(file), kMaxPolicyBytes));
  }
  return Importer(file, native).Import(unit);
}

}  // namespace bailey::policy
