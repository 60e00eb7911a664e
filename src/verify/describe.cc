#include "verify/describe.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <utility>

namespace bailey::verify {
namespace {

// Sets of one word's values that are described by more comparisons are described otherwise.
constexpr std::size_t kMostTests = 64;

class Splitter {
 public:
  Splitter(const Diagram& diagram, Word word, std::size_t most)
      : diagram_(diagram), word_(word), most_(most) {}

  // False when there are too many ranges. `digits` digits are open below `base`.
  bool Visit(Ref ref, std::uint32_t base, unsigned digits) {
    const bool is_open =
        !Diagram::IsTerminal(ref) && digits > 0 && diagram_.WordAt(diagram_.Level(ref)) == word_;
    if (!is_open) return Append(ref, base, digits);
    const unsigned digit = digits - 1;
    const bool tests_digit = diagram_.DigitAt(diagram_.Level(ref)) == digit;
    for (unsigned i = 0; i < Diagram::kFanOut; ++i) {
      const std::uint32_t child_base = base + (i << (Diagram::kDigitBits * digit));
      if (!Visit(tests_digit ? diagram_.ChildrenOf(ref)[i] : ref, child_base, digit)) return false;
    }
    return true;
  }

  std::vector<Span> Take() { return std::move(spans_); }

 private:
  bool Append(Ref ref, std::uint32_t base, unsigned digits) {
    const auto last = static_cast<std::uint32_t>(
        base + ((std::uint64_t{1} << (Diagram::kDigitBits * digits)) - 1));
    if (!spans_.empty() && spans_.back().value == ref) {
      spans_.back().last = last;
      return true;
    }
    if (spans_.size() >= most_) return false;
    spans_.push_back({base, last, ref});
    return true;
  }

  const Diagram& diagram_;
  Word word_;
  std::size_t most_;
  std::vector<Span> spans_;
};

// The bits of `word` that the predicate looks at.
std::uint32_t SupportOf(const Diagram& diagram, Ref predicate, Word word) {
  std::uint32_t support = 0;
  std::set<Ref> visited;
  const auto visit = [&](const auto& self, Ref ref) -> void {
    if (Diagram::IsTerminal(ref) || !visited.insert(ref).second) return;
    const unsigned level = diagram.Level(ref);
    const Diagram::Children& children = diagram.ChildrenOf(ref);
    for (unsigned digit = 0; digit < Diagram::kFanOut; ++digit) {
      for (unsigned bit = 0; bit < Diagram::kDigitBits && diagram.WordAt(level) == word; ++bit) {
        if (children[digit] == children[digit ^ (1u << bit)]) continue;
        support |= 1u << (Diagram::kDigitBits * diagram.DigitAt(level) + bit);
      }
      self(self, children[digit]);
    }
  };
  visit(visit, predicate);
  return support;
}

// The values of a predicate of one word as plain ranges.
std::optional<std::vector<WordTest>> AsRanges(const Diagram& diagram, Ref predicate, Word word) {
  const auto spans = Split(diagram, predicate, word, 2 * kMostTests);
  if (!spans) return std::nullopt;
  std::vector<WordTest> tests;
  for (const Span& span : *spans) {
    if (span.value == Diagram::kTrue) tests.push_back({word, 0xffffffff, span.first, span.last});
  }
  return tests;
}

// ... and as ranges of what a mask leaves. Values with bits outside the mask are left out; they
// repeat the others.
std::optional<std::vector<WordTest>> AsMaskedRanges(Diagram& diagram, Ref predicate, Word word,
                                                    std::uint32_t mask) {
  if (std::popcount(mask) > 16) return std::nullopt;
  std::vector<WordTest> tests;
  bool was_in = false;
  bpf::SeccompData data;
  for (std::uint32_t value = 0;; value = (value - mask) & mask) {
    Set(data, word, value);
    const bool is_in = diagram.Follow(predicate, data) == Diagram::kTrue;
    if (is_in && !was_in) tests.push_back({word, mask, value, value});
    if (is_in) tests.back().last = value;
    if (tests.size() > kMostTests) return std::nullopt;
    was_in = is_in;
    if (value == mask) break;
  }
  return tests;
}

// A predicate of one word as alternatives.
std::optional<std::vector<WordTest>> Describe(Diagram& diagram, Ref predicate, Word word) {
  const auto ranges = AsRanges(diagram, predicate, word);
  const std::uint32_t support = SupportOf(diagram, predicate, word);
  if (support == 0xffffffff || (ranges && ranges->size() <= 1)) return ranges;
  const auto masked = AsMaskedRanges(diagram, predicate, word, support);
  if (!ranges || (masked && masked->size() < ranges->size())) return masked;
  return ranges;
}

// One way out of a word's nodes: the rest of the function, and the word's values that lead to it.
struct Exit {
  Ref rest = Diagram::kLost;
  std::vector<WordTest> tests;
  std::uint64_t values = 0;
};

class CaseLister {
 public:
  CaseLister(Diagram& diagram, std::size_t most) : diagram_(diagram), most_(most) {}

  std::optional<std::vector<Case>> List(Ref ref) {
    if (ref == Diagram::kLost) return std::nullopt;
    if (Diagram::IsTerminal(ref)) return std::vector<Case>{{{}, ref}};
    auto exits = FindExits(ref);
    if (!exits) return std::nullopt;
    std::vector<Case> cases;
    for (std::size_t i = 0; i < exits->size(); ++i) {
      const auto below = List((*exits)[i].rest);
      if (!below || !Add(cases, (*exits)[i].tests, *below)) return std::nullopt;
    }
    // Cases right before the last that say the same say nothing.
    while (cases.size() > 1 && cases[cases.size() - 2].terminal == cases.back().terminal) {
      cases.erase(cases.end() - 2);
    }
    return cases;
  }

 private:
  // Each alternative test with each case of what is below it; no tests: the cases as they are.
  bool Add(std::vector<Case>& cases, const std::vector<WordTest>& tests,
           const std::vector<Case>& below) const {
    if (cases.size() + below.size() * std::max<std::size_t>(tests.size(), 1) > most_) return false;
    if (tests.empty()) cases.insert(cases.end(), below.begin(), below.end());
    for (const WordTest& test : tests) {
      for (const Case& rest : below) {
        Case one = {{test}, rest.terminal};
        one.tests.insert(one.tests.end(), rest.tests.begin(), rest.tests.end());
        cases.push_back(std::move(one));
      }
    }
    return true;
  }

  // The ways out of the word that `ref` tests, hardest to write last and without tests: it is
  // what remains.
  std::optional<std::vector<Exit>> FindExits(Ref ref) {
    const Word word = diagram_.WordAt(diagram_.Level(ref));
    std::vector<Exit> exits;
    CollectExits(ref, word, exits);
    if (exits.size() > most_) return std::nullopt;
    bool has_rest = false;
    for (Exit& exit : exits) {
      std::map<Ref, Ref> mapped = {{exit.rest, Diagram::kTrue}};
      const Ref leads_here = MapWord(ref, word, mapped);
      if (leads_here == Diagram::kLost) return std::nullopt;
      exit.values = CountValues(leads_here);
      auto tests = Describe(diagram_, leads_here, word);
      if (tests) {
        exit.tests = std::move(*tests);
      } else if (std::exchange(has_rest, true)) {
        return std::nullopt;
      }
    }
    const auto order = [](const Exit& exit) { return std::pair(exit.tests.empty(), exit.values); };
    auto rest = std::ranges::max_element(exits, {}, order);
    rest->tests.clear();
    std::rotate(rest, rest + 1, exits.end());
    std::stable_sort(exits.begin(), exits.end() - 1, [](const Exit& a, const Exit& b) {
      return a.tests.front().first < b.tests.front().first;
    });
    return exits;
  }

  void CollectExits(Ref ref, Word word, std::vector<Exit>& exits) const {
    std::set<Ref> visited;
    const auto visit = [&](const auto& self, Ref from) -> void {
      if (!visited.insert(from).second) return;
      if (Diagram::IsTerminal(from) || diagram_.WordAt(diagram_.Level(from)) != word) {
        exits.push_back({from, {}, 0});
        return;
      }
      for (const Ref child : diagram_.ChildrenOf(from)) self(self, child);
    };
    visit(visit, ref);
  }

  // The values of `word` that lead from `ref` to a way out that `mapped` has, as a predicate.
  Ref MapWord(Ref ref, Word word, std::map<Ref, Ref>& mapped) {
    if (const auto known = mapped.find(ref); known != mapped.end()) return known->second;
    if (Diagram::IsTerminal(ref) || diagram_.WordAt(diagram_.Level(ref)) != word) {
      return Diagram::kFalse;
    }
    Diagram::Children children;
    for (unsigned i = 0; i < Diagram::kFanOut; ++i) {
      children[i] = MapWord(diagram_.ChildrenOf(ref)[i], word, mapped);
    }
    return mapped[ref] = diagram_.Make(diagram_.Level(ref), children);
  }

  // How many values of its one word satisfy the predicate.
  std::uint64_t CountValues(Ref predicate) const {
    std::map<Ref, std::uint64_t> known;
    const auto count = [&](const auto& self, Ref ref, unsigned digits) -> std::uint64_t {
      if (ref == Diagram::kFalse) return 0;
      if (ref == Diagram::kTrue) return std::uint64_t{1} << (Diagram::kDigitBits * digits);
      const unsigned below = diagram_.DigitAt(diagram_.Level(ref));
      const auto [place, is_new] = known.try_emplace(ref, 0);
      if (is_new) {
        std::uint64_t sum = 0;
        for (const Ref child : diagram_.ChildrenOf(ref)) sum += self(self, child, below);
        place->second = sum;
      }
      return place->second << (Diagram::kDigitBits * (digits - 1 - below));
    };
    return count(count, predicate, Diagram::kDigits);
  }

  Diagram& diagram_;
  std::size_t most_;
};

}  // namespace

bool Holds(const WordTest& test, const bpf::SeccompData& data) {
  const std::uint32_t value = Get(data, test.word) & test.mask;
  return test.first <= value && value <= test.last;
}

std::optional<std::vector<Span>> Split(const Diagram& diagram, Ref ref, Word word,
                                       std::size_t most) {
  if (ref == Diagram::kLost) return std::nullopt;
  Splitter splitter(diagram, word, most);
  if (!splitter.Visit(ref, 0, Diagram::kDigits)) return std::nullopt;
  return splitter.Take();
}

std::optional<std::vector<Case>> ListCases(Diagram& diagram, Ref ref, std::size_t most) {
  return CaseLister(diagram, most).List(ref);
}

}  // namespace bailey::verify
