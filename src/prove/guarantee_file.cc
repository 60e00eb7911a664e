// A user's guarantees: TOML by policy's reader, checked as far as can be without a filter.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>

#include "abi/arch.h"
#include "abi/constants.h"
#include "abi/syscalls.h"
#include "policy/condition.h"
#include "policy/document.h"
#include "policy/table_reader.h"
#include "policy/toml.h"
#include "prove/guarantee.h"

namespace bailey::prove {

struct GuaranteeFile::Contents {
  std::unique_ptr<policy::Document> document;
  std::vector<Guarantee> guarantees;
  std::deque<std::vector<CallSet>> calls;
  std::deque<std::vector<std::string_view>> words;
};

namespace {

using policy::Node;
using policy::NodeKind;
using policy::Quote;
using policy::TableReader;

constexpr auto kKeys = std::to_array<std::string_view>(
    {"sentence", "calls", "wants", "errno", "untrusted", "rests-on", "references"});
constexpr auto kCallKeys =
    std::to_array<std::string_view>({"call", "when", "pointer", "numbers", "archs"});
constexpr auto kNumbers =
    std::to_array<std::string_view>({"unknown", "negative", "x32", "foreign", "all"});
constexpr auto kWants =
    std::to_array<std::string_view>({"closed", "errno", "no-fake-success", "well-formed"});

std::string Listed(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    text += fmt::format("{}\"{}\"", text.empty() ? "" : word == words.back() ? " or " : ", ", word);
  }
  return text;
}

class FileReader {
 public:
  FileReader(const policy::Document& document, std::vector<Guarantee>& guarantees,
             std::deque<std::vector<CallSet>>& calls,
             std::deque<std::vector<std::string_view>>& words)
      : document_(document), guarantees_(guarantees), calls_(calls), words_(words) {}

  std::optional<base::Error> Read() {
    const auto nodes = document_.nodes();
    bool has_version = false;
    for (std::uint32_t i = 1; i < nodes[0].end; i = nodes[i].end) {
      if (nodes[i].key == "guarantees") {
        if (nodes[i].kind != NodeKind::kInteger || nodes[i].number != 1)
          return document_.ErrorAt(nodes[i].place, "read guarantees: the version is not 1");
        has_version = true;
      } else if (nodes[i].kind != NodeKind::kTable) {
        return document_.ErrorAt(
            nodes[i].key_place,
            fmt::format("read guarantees: {} is not a table", Quote(nodes[i].key)));
      } else if (auto error = ReadGuarantee(i)) {
        return error;
      }
    }
    if (!has_version)
      return document_.ErrorAt({1, 1}, "read guarantees: it does not say \"guarantees = 1\"");
    return std::nullopt;
  }

 private:
  std::optional<base::Error> ReadGuarantee(std::uint32_t index) {
    const Node& node = document_.nodes()[index];
    TableReader table(document_, index, fmt::format("[{}]", node.key), kKeys);
    Guarantee guarantee;
    guarantee.name = node.key;
    if (const auto sentence = table.String("sentence")) {
      guarantee.sentence = sentence->value;
    } else {
      table.Fail(node.key_place, fmt::format("read [{}]: it has no sentence", node.key));
    }
    guarantee.untrusted = table.Boolean("untrusted").value_or(false);
    ReadWants(table, guarantee);
    guarantee.rests_on = Words(table, "rests-on");
    guarantee.references = Words(table, "references");
    const auto calls = table.Get("calls", NodeKind::kArray);
    if (auto error = table.TakeError()) return error;
    if (!calls || document_.nodes()[*calls].end == *calls + 1) {
      return document_.ErrorAt(node.key_place,
                               fmt::format("read [{}]: it names no calls", node.key));
    }
    auto& sets = calls_.emplace_back();
    for (std::uint32_t i = *calls + 1; i < table.node(*calls).end; i = table.node(i).end) {
      if (auto error = ReadCall(i, sets)) return error;
    }
    guarantee.calls = sets;
    guarantees_.push_back(guarantee);
    return std::nullopt;
  }

  std::span<const std::string_view> Words(TableReader& table, std::string_view key) {
    auto& words = words_.emplace_back();
    for (const policy::Text& text : table.Strings(key).value_or(std::vector<policy::Text>()))
      words.push_back(text.value);
    return words;
  }

  void ReadWants(TableReader& table, Guarantee& guarantee) {
    if (const auto wants = table.String("wants")) {
      const auto found = std::ranges::find(kWants, wants->value);
      if (found == kWants.end()) {
        return table.Fail(wants->place, fmt::format("read {} wants: {} is not {}", table.where(),
                                                    Quote(wants->value), Listed(kWants)));
      }
      guarantee.wants = static_cast<Wants>(found - kWants.begin());
    }
    const auto errno_name = table.String("errno");
    if (errno_name) guarantee.errno_name = errno_name->value;
    if (errno_name && !abi::ErrnoNumber(abi::Arch::kX86_64, errno_name->value)) {
      return table.Fail(errno_name->place, fmt::format("read {} errno: {} is no errno's name",
                                                       table.where(), Quote(errno_name->value)));
    }
    if (errno_name.has_value() == (guarantee.wants == Wants::kErrno)) return;
    table.Fail(table.node(0).place,
               fmt::format("read {}: errno goes with wants = \"errno\"", table.where()));
  }

  std::optional<base::Error> ReadCall(std::uint32_t index, std::vector<CallSet>& sets) {
    const Node& node = document_.nodes()[index];
    CallSet set;
    if (node.kind == NodeKind::kString) {
      set.call = node.text;
      if (auto error = CheckName(node.place, set.call)) return error;
      sets.push_back(set);
      return std::nullopt;
    }
    if (node.kind != NodeKind::kTable) {
      return document_.ErrorAt(node.place, fmt::format("read calls: expected a name or a table, "
                                                       "found {}",
                                                       policy::Describe(node.kind)));
    }
    TableReader table(document_, index, "calls", kCallKeys);
    const auto call = table.String("call");
    const auto when = table.String("when");
    const auto pointer = table.String("pointer");
    const auto numbers = table.String("numbers");
    set.archs = Words(table, "archs");
    if (auto error = table.TakeError()) return error;
    if (call.has_value() == numbers.has_value())
      return document_.ErrorAt(node.place, "read calls: one of call and numbers is needed");
    if (call) set.call = call->value;
    if (when) set.when = when->value;
    if (pointer) set.pointer = pointer->value;
    if (numbers) set.numbers = numbers->value;
    if (call) {
      if (auto error = CheckName(call->place, set.call)) return error;
    } else if (std::ranges::find(kNumbers, set.numbers) == kNumbers.end()) {
      return document_.ErrorAt(numbers->place, fmt::format("read numbers: {} is not {}",
                                                           Quote(set.numbers), Listed(kNumbers)));
    }
    for (const std::string_view arch : set.archs) {
      if (!abi::FindArch(arch)) {
        return document_.ErrorAt(node.place,
                                 fmt::format("read archs: {} is no architecture", Quote(arch)));
      }
    }
    if (when) {
      if (auto error = CheckWhen(*when, numbers.has_value())) return error;
    }
    sets.push_back(set);
    return std::nullopt;
  }

  std::optional<base::Error> CheckName(policy::Place place, std::string_view name) const {
    if (abi::IsKnownName(name)) return std::nullopt;
    return document_.ErrorAt(place,
                             fmt::format("read calls: no architecture has a call {}{}", Quote(name),
                                         policy::Suggestion(name, abi::AllNames().ToVector())));
  }

  std::optional<base::Error> CheckWhen(const policy::Text& when, bool has_numbers) const {
    if (has_numbers)
      return document_.ErrorAt(when.place, "read when: numbers have no arguments in common");
    std::string text(when.value);
    if (const auto at = text.find("{$families}"); at != std::string::npos)
      text.replace(at, 11, "{1}");
    const auto condition = policy::ParseCondition(text);
    if (condition) return std::nullopt;
    policy::Place place = when.place;
    if (when.literal && text == when.value) place.column += condition.error().location.column;
    return document_.ErrorAt(place, condition.error().text);
  }

  const policy::Document& document_;
  std::vector<Guarantee>& guarantees_;
  std::deque<std::vector<CallSet>>& calls_;
  std::deque<std::vector<std::string_view>>& words_;
};

}  // namespace

base::Result<GuaranteeFile> GuaranteeFile::Parse(std::string text, std::string file) {
  auto contents = std::make_unique<Contents>();
  auto document = policy::ParseToml(std::move(text), std::move(file));
  if (!document) return document.error();
  contents->document = *std::move(document);
  FileReader reader(*contents->document, contents->guarantees, contents->calls, contents->words);
  if (auto error = reader.Read()) return *std::move(error);
  return GuaranteeFile(std::move(contents));
}

GuaranteeFile::GuaranteeFile(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
GuaranteeFile::~GuaranteeFile() = default;
GuaranteeFile::GuaranteeFile(GuaranteeFile&&) noexcept = default;
GuaranteeFile& GuaranteeFile::operator=(GuaranteeFile&&) noexcept = default;

std::span<const Guarantee> GuaranteeFile::Guarantees() const { return contents_->guarantees; }

}  // namespace bailey::prove
