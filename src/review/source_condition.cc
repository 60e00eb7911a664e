#include "review/source_condition.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

using Truth = std::optional<bool>;
using Number = std::optional<std::int64_t>;

constexpr int kMaxDepth = 64;

constexpr auto kErrors = std::to_array<std::pair<std::string_view, int>>({
    {"EPERM", EPERM},     {"ENOENT", ENOENT},
    {"ESRCH", ESRCH},     {"EINTR", EINTR},
    {"EIO", EIO},         {"EBADF", EBADF},
    {"EAGAIN", EAGAIN},   {"ENOMEM", ENOMEM},
    {"EACCES", EACCES},   {"EFAULT", EFAULT},
    {"EBUSY", EBUSY},     {"EEXIST", EEXIST},
    {"EINVAL", EINVAL},   {"ENOSYS", ENOSYS},
    {"EDOM", EDOM},       {"ERANGE", ERANGE},
    {"ENOSPC", ENOSPC},   {"EOPNOTSUPP", EOPNOTSUPP},
    {"ENOTSUP", ENOTSUP}, {"ECANCELED", ECANCELED},
    {"EROFS", EROFS},     {"ENODEV", ENODEV},
    {"ELOOP", ELOOP},     {"EWOULDBLOCK", EWOULDBLOCK},
});

constexpr auto kSamples = std::to_array<std::int64_t>(
    {-EPERM, -EINVAL, -ENOMEM, -EFAULT, -EEXIST, -EDOM, -ESRCH, -EACCES, -EOPNOTSUPP, -ECANCELED});

constexpr auto kComparisons =
    std::to_array<std::string_view>({"==", "!=", "<", "<=", ">", ">=", "="});

// Recursive descent over the tokens; everything that it does not know makes the answer unknown.
class Evaluator {
 public:
  Evaluator(const Code& code, Range range, std::span<const KnownValue> known)
      : code_(code), range_(range), known_(known) {}

  Truth Run() {
    const Truth truth = Or(range_, 0);
    return truth;
  }

 private:
  // Splits at an operator of this level.
  std::vector<Range> Split(Range range, std::string_view by) const {
    std::vector<Range> parts;
    Index begin = range.begin;
    for (Index at = range.begin; at < range.end; ++at) {
      const Index partner = code_.Partner(at);
      if (partner != kNowhere && partner > at && partner < range.end) at = partner;
      if (!code_.Is(at, by)) continue;
      parts.push_back({begin, at});
      begin = at + 1;
    }
    parts.push_back({begin, range.end});
    return parts;
  }

  Truth Or(Range range, int depth) {
    if (depth > kMaxDepth) return {};
    Truth result = false;
    for (const Range part : Split(range, "||")) {
      const Truth truth = And(part, depth);
      if (truth == true) return true;
      if (!truth) result.reset();
    }
    return result;
  }
  Truth And(Range range, int depth) {
    Truth result = true;
    for (const Range part : Split(range, "&&")) {
      const Truth truth = Not(part, depth);
      if (truth == false) return false;
      if (!truth) result.reset();
    }
    return result;
  }
  Truth Not(Range range, int depth) {
    if (range.Empty() || depth > kMaxDepth) return {};
    if (code_.Is(range.begin, "!") &&
        (range.end == range.begin + 2 || Wraps({range.begin + 1, range.end}))) {
      const Truth truth = Not({range.begin + 1, range.end}, depth + 1);
      return truth ? Truth(!*truth) : truth;
    }
    if (Wraps(range)) return Or({range.begin + 1, range.end - 1}, depth + 1);
    // G_UNLIKELY(x), unlikely(x), __builtin_expect(x, 0)
    const bool hints = code_.Is(range.begin, "G_UNLIKELY") || code_.Is(range.begin, "G_LIKELY") ||
                       code_.Is(range.begin, "unlikely") || code_.Is(range.begin, "likely");
    if (hints && Wraps({range.begin + 1, range.end}))
      return Or({range.begin + 2, range.end - 1}, depth + 1);
    return Compare(range, depth);
  }
  Truth Compare(Range range, int depth) {
    for (const std::string_view by : kComparisons) {
      const auto sides = Split(range, by);
      if (sides.size() == 1) continue;
      if (sides.size() > 2 || by == "=") return {};
      const Number left = Value(sides[0], depth), right = Value(sides[1], depth);
      if (!left || !right) return {};
      if (by == "==") return *left == *right;
      if (by == "!=") return *left != *right;
      if (by == "<") return *left < *right;
      if (by == "<=") return *left <= *right;
      if (by == ">") return *left > *right;
      return *left >= *right;
    }
    const Number value = Value(range, depth);
    return value ? Truth(*value != 0) : Truth();
  }
  Number Value(Range range, int depth) {
    if (range.Empty() || depth > kMaxDepth) return {};
    if (code_.Is(range.begin, "-")) {
      const Number value = Value({range.begin + 1, range.end}, depth + 1);
      return value ? Number(-*value) : value;
    }
    if (Wraps(range)) {
      // (r = f()) has the value of r.
      for (Index at = range.begin + 1; at + 1 < range.end; ++at) {
        if (code_.Is(at, "=") && at == range.begin + 2) return Value({at - 1, at}, depth + 1);
      }
      return Value({range.begin + 1, range.end - 1}, depth + 1);
    }
    if (range.end != range.begin + 1) return {};
    const std::string_view text = code_.At(range.begin);
    const auto found = std::ranges::find(known_, text, &KnownValue::name);
    if (found != known_.end()) return found->value;
    if (text == "NULL" || text == "false" || text == "nullptr" || text == "FALSE") return 0;
    if (const auto number = ErrnoOf(text)) return number;
    if (!code_.IsKind(range.begin, TokenKind::kNumber)) return {};
    const auto number = base::ParseNumber(text);
    return number && *number <= INT32_MAX ? Number(static_cast<std::int64_t>(*number)) : Number();
  }
  bool Wraps(Range range) const {
    return !range.Empty() && code_.Is(range.begin, "(") &&
           code_.Partner(range.begin) == range.end - 1;
  }

  const Code& code_;
  Range range_;
  std::span<const KnownValue> known_;
};

}  // namespace

std::optional<std::int64_t> ErrnoOf(std::string_view name) {
  const auto found = std::ranges::find(kErrors, name, &std::pair<std::string_view, int>::first);
  if (found == kErrors.end()) return std::nullopt;
  return found->second;
}

std::span<const std::int64_t> SampleErrors() { return kSamples; }

std::optional<bool> Holds(const Code& code, Range condition, std::span<const KnownValue> known) {
  return Evaluator(code, condition, known).Run();
}

}  // namespace bailey::review
