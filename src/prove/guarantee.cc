#include "prove/guarantee.h"

#include "base/texts.h"

namespace bailey::prove {
namespace {

// The catalogue as the build stores it: texts by their places in kTexts, lists by theirs in kWords
// and kCalls.
struct Range {
  std::uint16_t first, count;
};

struct StoredCallSet {
  std::uint16_t call, when, pointer, numbers;
  Range archs;
};

struct StoredGuarantee {
  std::uint16_t name, sentence;
  Wants wants;
  std::uint16_t errno_name;
  bool untrusted;
  Range calls, rests_on, references;
};

#include "prove/guarantees.inc"

class Catalogue {
 public:
  Catalogue() {
    words_.reserve(std::size(kWords));
    for (const std::uint16_t word : kWords) words_.push_back(kTexts[word]);
    calls_.reserve(std::size(kCalls));
    for (const StoredCallSet& set : kCalls) {
      calls_.push_back({kTexts[set.call], kTexts[set.when], kTexts[set.pointer],
                        kTexts[set.numbers], Words(set.archs)});
    }
    guarantees_.reserve(std::size(kGuarantees));
    for (const StoredGuarantee& one : kGuarantees) {
      guarantees_.push_back({kTexts[one.name], kTexts[one.sentence], one.wants,
                             kTexts[one.errno_name], one.untrusted,
                             std::span(calls_).subspan(one.calls.first, one.calls.count),
                             Words(one.rests_on), Words(one.references)});
    }
  }
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  std::span<const Guarantee> guarantees() const { return guarantees_; }

 private:
  std::span<const std::string_view> Words(Range range) const {
    return std::span(words_).subspan(range.first, range.count);
  }

  std::vector<std::string_view> words_;
  std::vector<CallSet> calls_;
  std::vector<Guarantee> guarantees_;
};

}  // namespace

std::span<const Guarantee> BuiltinGuarantees() {
  static const Catalogue& catalogue = *new Catalogue;  // of use until the program's last moment
  return catalogue.guarantees();
}

}  // namespace bailey::prove
