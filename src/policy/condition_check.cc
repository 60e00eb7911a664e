#include "policy/condition_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "abi/arguments.h"
#include "abi/constants.h"
#include "abi/syscalls.h"
#include "policy/table_reader.h"

namespace bailey::policy {
namespace {

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Where a word first stands in a condition; the whole condition when it was not written plainly.
Place PlaceOf(const Text& condition, std::string_view word) {
  if (!condition.literal) return condition.place;
  const std::string_view text = condition.value;
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at > 0 && IsWordByte(text[at - 1])) || (end < text.size() && IsWordByte(text[end])))
      continue;
    return {condition.place.line, condition.place.column + 1 + static_cast<std::uint32_t>(at)};
  }
  return condition.place;
}

// Whether a value is some value of an argument: cut to its bits and extended again, with or
// without sign, it is the same.
bool Fits(std::uint64_t value, unsigned bits) {
  if (bits >= 64) return true;
  const std::uint64_t mask = (1ull << bits) - 1;
  return (value & ~mask) == 0 || (value | mask) == ~0ull;
}

class Checker {
 public:
  Checker(const Layer& layer, std::string_view where, const CallEntry& entry)
      : layer_(layer), entry_(entry), where_(fmt::format("read {}", where)) {
    if (!entry.name.empty()) where_ += fmt::format(" of {}", entry.name);
  }

  std::optional<base::Error> Check(const Condition& condition, abi::Arch arch) {
    if (condition.kind == Condition::Kind::kTest) return Check(condition.test, arch);
    for (const Condition& child : condition.children) {
      if (auto error = Check(child, arch)) return error;
    }
    return std::nullopt;
  }

 private:
  std::optional<base::Error> Check(const Test& test, abi::Arch arch) {
    const auto argument = abi::FindArgument(arch, entry_.name, test.argument);
    if (!argument) return Fail(test.argument, argument.error().text);
    const bool raw = test.argument.ends_with(".raw");
    if (argument->type == abi::ArgumentType::kPointer && !raw) {
      return Fail(test.argument,
                  fmt::format("{}: argument \"{}\" is a pointer: a filter sees the address, never "
                              "what is there (arg{}.raw is the address)",
                              where_, test.argument, argument->low_slot));
    }
    const unsigned bits = abi::Bits(argument->type, arch);
    if (test.mask) {
      if (auto error = Check(*test.mask, test.argument, bits, arch)) return error;
    }
    for (const Value& value : test.operands) {
      if (auto error = Check(value, test.argument, bits, arch)) return error;
    }
    return std::nullopt;
  }

  std::optional<base::Error> Check(const Value& value, std::string_view argument, unsigned bits,
                                   abi::Arch arch) {
    for (const Term& term : value.terms) {
      if (term.constant.empty() || abi::Constant(arch, term.constant)) continue;
      if (abi::IsKnownConstant(term.constant)) {
        return Fail(term.constant,
                    fmt::format("{}: constant \"{}\" has no value on {}; arch = \"...\" limits an "
                                "entry to one architecture",
                                where_, term.constant, abi::Info(arch).name));
      }
      return Fail(term.constant,
                  fmt::format("{}: unknown constant {}{}", where_, Quote(term.constant),
                              Suggestion(term.constant, abi::AllConstants().ToVector())));
    }
    const std::uint64_t number = *Resolve(value, arch);
    if (Fits(number, bits)) return std::nullopt;
    return layer_.document->ErrorAt(
        entry_.condition_text.place,
        fmt::format("{}: {:#x} does not fit the {} bits that the kernel reads of \"{}\" on {}",
                    where_, number, bits, argument, abi::Info(arch).name));
  }

  base::Error Fail(std::string_view word, std::string text) const {
    return layer_.document->ErrorAt(PlaceOf(entry_.condition_text, word), std::move(text));
  }

  const Layer& layer_;
  const CallEntry& entry_;
  std::string where_;
};

}  // namespace

std::optional<base::Error> CheckCondition(const Layer& layer, std::string_view where,
                                          const CallEntry& entry,
                                          std::span<const abi::Arch> archs) {
  if (!entry.condition) return std::nullopt;
  Checker checker(layer, where, entry);
  if (entry.number) return checker.Check(*entry.condition, *entry.arch);
  for (const abi::Arch arch : archs) {
    if (!abi::Number(arch, entry.name)) continue;
    if (auto error = checker.Check(*entry.condition, arch)) return error;
  }
  return std::nullopt;
}

}  // namespace bailey::policy
