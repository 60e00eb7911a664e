// The section [syscalls] of a policy text. What needs the architectures in play is checked when
// the layers are stacked (rules.cc).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "abi/constants.h"
#include "abi/syscalls.h"
#include "base/text.h"
#include "policy/groups.h"
#include "policy/layer.h"
#include "policy/table_reader.h"

namespace bailey::policy {
namespace {

using abi::ActionKind;

constexpr auto kEntryKeys =
    std::to_array<std::string_view>({"syscall", "when", "errno", "action", "data", "arch", "nr"});

struct ActionWord {
  std::string_view word;
  ActionKind kind;
};
constexpr auto kActions = std::to_array<ActionWord>({{"allow", ActionKind::kAllow},
                                                     {"kill", ActionKind::kKillProcess},
                                                     {"kill-process", ActionKind::kKillProcess},
                                                     {"kill-thread", ActionKind::kKillThread},
                                                     {"trap", ActionKind::kTrap},
                                                     {"log", ActionKind::kLog},
                                                     {"notify", ActionKind::kNotify},
                                                     {"trace", ActionKind::kTrace}});

// SECCOMP_RET_DATA; the kernel cuts an errno to MAX_ERRNO.
constexpr std::uint64_t kMaxData = 0xffff;
constexpr std::uint64_t kMaxErrno = 4095;

bool IsErrno(std::string_view name, bool everywhere) {
  if (!everywhere) return abi::ErrnoNumber(abi::NativeArch(), name).has_value();
  return std::ranges::all_of(abi::AllArchs(), [&](const abi::ArchInfo& info) {
    return abi::ErrnoNumber(info.arch, name).has_value();
  });
}

std::vector<std::string_view> ErrnoNames() {
  std::vector<std::string_view> names;
  for (std::uint16_t number = 1; number < 256; ++number) {
    const std::string_view name = abi::ErrnoName(abi::NativeArch(), number);
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

std::optional<abi::Arch> ParseArch(TableReader& table, const Text& name, std::string_view where) {
  if (const auto arch = abi::FindArch(name.value)) return arch;
  std::vector<std::string_view> names = {"native", "compat"};
  for (const abi::ArchInfo& info : abi::AllArchs()) names.push_back(info.name);
  table.Fail(name.place, fmt::format("read {}: unknown architecture {}{}", where, Quote(name.value),
                                     Suggestion(name.value, names)));
  return std::nullopt;
}

class CallsReader {
 public:
  CallsReader(TableReader& table, bool is_preset, CallLayer& calls)
      : table_(table), is_preset_(is_preset), calls_(calls) {}

  void Read() {
    calls_.default_action = AnswerOf("default");
    calls_.unknown = AnswerOf("unknown");
    calls_.foreign = AnswerOf("foreign");
    calls_.fallback = AnswerOf("fallback");
    ReadArchitectures();
    ReadMultiplexers();
    ReadFamilies();
    calls_.hot = table_.String("hot");
    calls_.stack = table_.Strings("stack").value_or(std::vector<Text>());
    ReadCallEntries(table_, "[syscalls] allow", calls_.allow);
    ReadCallEntries(table_, "[syscalls] deny", calls_.deny);
  }

 private:
  std::optional<Answer> AnswerOf(std::string_view key) {
    const auto text = table_.String(key);
    if (!text) return std::nullopt;
    for (const ActionWord& action : kActions) {
      if (action.word == text->value) return Answer{action.kind, "", 0};
    }
    if (IsErrno(text->value, !is_preset_))
      return Answer{ActionKind::kErrno, std::string(text->value), 0};
    std::vector<std::string_view> words = ErrnoNames();
    for (const ActionWord& action : kActions) words.push_back(action.word);
    const std::string hint = Suggestion(text->value, words);
    table_.Fail(text->place, fmt::format("read [syscalls] {}: {} is no action and no errno{}", key,
                                         Quote(text->value), hint));
    return std::nullopt;
  }

  void ReadArchitectures() {
    auto names = table_.Strings("architectures");
    if (!names) return;
    for (const Text& name : *names) {
      if (name.value == "native" || name.value == "compat") continue;
      ParseArch(table_, name, "[syscalls] architectures");
    }
    if (names->empty())
      table_.Fail(table_.node(*table_.Find("architectures")).place,
                  "read [syscalls] architectures: it is empty, no call could be made");
    calls_.architectures = std::move(names);
  }

  void ReadMultiplexers() {
    const auto word = table_.String("multiplexers");
    if (!word) return;
    if (word->value == "follow") {
      calls_.multiplexers = Multiplexers::kFollow;
    } else if (word->value == "open") {
      calls_.multiplexers = Multiplexers::kOpen;
    } else {
      table_.Fail(word->place,
                  fmt::format("read [syscalls] multiplexers: {} is not \"follow\" or \"open\"",
                              Quote(word->value)));
    }
  }

  void ReadFamilies() {
    auto names = table_.Strings("socket-families");
    if (!names) return;
    for (const Text& name : *names) {
      if (abi::SocketFamily(name.value)) continue;
      std::vector<std::string_view> known;
      for (std::uint16_t family = 0; family < 64; ++family) {
        const std::string_view word = abi::SocketFamilyName(family);
        if (!word.empty()) known.push_back(word);
      }
      table_.Fail(name.place, fmt::format("read [syscalls] socket-families: unknown family {}{}",
                                          Quote(name.value), Suggestion(name.value, known)));
      return;
    }
    calls_.socket_families = std::move(names);
    calls_.socket_families_place = table_.node(*table_.Find("socket-families")).place;
  }

  TableReader& table_;
  bool is_preset_;
  CallLayer& calls_;
};

// The entries of one list, which texts call `where`: "[syscalls] deny".
class EntryReader {
 public:
  EntryReader(TableReader& table, std::string_view where) : table_(table), where_(where) {}

  void Read(std::vector<CallEntry>& entries) {
    const auto array = table_.Get(where_.substr(where_.find(' ') + 1), NodeKind::kArray);
    if (!array) return;
    for (std::uint32_t i = *array + 1; i < table_.node(*array).end; i = table_.node(i).end) {
      CallEntry entry;
      entry.place = table_.node(i).place;
      if (table_.node(i).kind == NodeKind::kString) {
        ReadName(table_, table_.TextOf(i), entry);
      } else if (table_.node(i).kind == NodeKind::kTable) {
        ReadTable(i, entry);
      } else {
        table_.Fail(entry.place, fmt::format("read {}: expected a string or a table, found {}",
                                             where_, Describe(table_.node(i).kind)));
      }
      if (table_.HasFailed()) return;
      entries.push_back(std::move(entry));
    }
  }

 private:
  void ReadName(TableReader& table, const Text& name, CallEntry& entry) {
    entry.name = name.value;
    if (const auto unknown = UnknownCall(entry.name))
      table.Fail(name.place, fmt::format("read {}: {}", where_, *unknown));
  }

  void ReadTable(std::uint32_t index, CallEntry& entry) {
    TableReader table(table_.document(), index, std::string(where_), kEntryKeys);
    if (!table.HasFailed()) ReadKeys(table, entry);
    if (auto error = table.TakeError()) table_.Fail(*std::move(error));
  }

  void ReadKeys(TableReader& table, CallEntry& entry) {
    const auto name = table.String("syscall");
    const auto number = table.Integer("nr", 0, 0xffffffff);
    if (name.has_value() == number.has_value()) {
      return table.Fail(entry.place,
                        fmt::format("read {}: an entry needs \"syscall\", or \"nr\" and "
                                    "\"arch\"",
                                    where_));
    }
    if (name) ReadName(table, *name, entry);
    if (const auto arch = table.String("arch"))
      entry.arch = ParseArch(table, *arch, fmt::format("{} arch", where_));
    if (number) {
      entry.number = static_cast<std::uint32_t>(*number);
      if (!entry.arch)
        table.Fail(entry.place, fmt::format("read {}: \"nr\" needs \"arch\"", where_));
    }
    ReadCondition(table, entry);
    if (where_ == "[syscalls] deny") {
      ReadAnswer(table, entry);
      return;
    }
    for (const std::string_view key : {"errno", "action", "data"}) {
      if (const auto found = table.Find(key)) {
        table.Fail(table.node(*found).key_place,
                   fmt::format("read {}: \"{}\" belongs to entries of deny", where_, key));
      }
    }
  }

  void ReadCondition(TableReader& table, CallEntry& entry) {
    const auto when = table.String("when");
    if (!when) return;
    if (entry.IsGroup()) {
      table.Fail(when->place, fmt::format("read {}: a condition needs one system call, "
                                          "{} is a group",
                                          where_, entry.name));
    }
    auto condition = ParseCondition(when->value);
    if (condition) {
      entry.condition = *std::move(condition);
      entry.condition_text = *when;
      return;
    }
    base::Error error = condition.error();
    Place place = when->place;
    if (when->literal) {
      place.column += error.location.column;
    } else {
      error.text += fmt::format(" (column {} of the condition)", error.location.column);
    }
    table.Fail(place, std::move(error));
  }

  // errno = "EPERM" or a number; or action = "trap", with data.
  static void ReadAnswer(TableReader& table, CallEntry& entry) {
    const auto errno_node = table.Find("errno");
    const auto action = table.String("action");
    const auto data = table.Integer("data", 0, kMaxData);
    if (errno_node && action) {
      return table.Fail(table.node(*errno_node).key_place,
                        "read [syscalls] deny: \"errno\" and \"action\" are both there");
    }
    if (data && !action) {
      return table.Fail(table.node(*table.Find("data")).key_place,
                        "read [syscalls] deny: \"data\" needs \"action\"");
    }
    if (errno_node) return ReadErrno(table, *errno_node, entry);
    if (!action) return;
    const auto found = std::ranges::find(kActions, action->value, &ActionWord::word);
    if (found != kActions.end() && found->kind != ActionKind::kAllow) {
      entry.answer = Answer{found->kind, "", static_cast<std::uint16_t>(data.value_or(0))};
      return;
    }
    std::vector<std::string_view> words;
    for (const ActionWord& word : kActions) {
      if (word.kind != ActionKind::kAllow) words.push_back(word.word);
    }
    table.Fail(action->place, fmt::format("read [syscalls] deny action: {} is not one of {}",
                                          Quote(action->value), fmt::join(words, ", ")));
  }

  static void ReadErrno(TableReader& table, std::uint32_t index, CallEntry& entry) {
    if (table.node(index).kind == NodeKind::kInteger) {
      const auto number = table.Integer("errno", 0, kMaxErrno);
      if (number) {
        entry.answer = Answer{ActionKind::kErrno, "", static_cast<std::uint16_t>(*number)};
      }
      return;
    }
    const auto name = table.String("errno");
    if (!name) return;
    if (IsErrno(name->value, true)) {
      entry.answer = Answer{ActionKind::kErrno, std::string(name->value), 0};
      return;
    }
    table.Fail(name->place, fmt::format("read [syscalls] deny errno: unknown errno {}{}",
                                        Quote(name->value), Suggestion(name->value, ErrnoNames())));
  }

  TableReader& table_;
  std::string_view where_;
};

}  // namespace

std::optional<std::string> UnknownCall(std::string_view name) {
  if (name.starts_with('@')) {
    if (FindGroup(name) != nullptr) return std::nullopt;
    return fmt::format("unknown group {}{}", Quote(name), Suggestion(name, GroupNames()));
  }
  if (abi::IsKnownName(name)) return std::nullopt;
  return fmt::format("no architecture has a system call {}{}", Quote(name),
                     Suggestion(name, abi::AllNames().ToVector()));
}

void ReadCallEntries(TableReader& table, std::string_view where, std::vector<CallEntry>& entries) {
  EntryReader(table, where).Read(entries);
}

void ReadCalls(TableReader& table, bool is_preset, CallLayer& calls) {
  CallsReader(table, is_preset, calls).Read();
}

}  // namespace bailey::policy
