#include "bpf/allow_only.h"

#include <algorithm>
#include <vector>

#include "abi/action.h"
#include "abi/syscalls.h"

namespace bailey::bpf {
namespace {

// Looked through one after the other.
constexpr std::size_t kMostInARow = 3;
// Every jump has to reach the answers, by eight bits.
constexpr std::size_t kMostCalls = 128;

class Search {
 public:
  Search(std::vector<Instruction>& code, const std::vector<std::uint32_t>& numbers)
      : code_(code), numbers_(numbers) {}

  // Ends with the two answers.
  void Write(std::uint32_t kill, std::uint32_t allow) {
    WriteRange(0, numbers_.size());
    const std::size_t end = code_.size();
    for (const std::size_t at : hits_) code_[at].jt = static_cast<std::uint8_t>(end - at);
    for (const std::size_t at : misses_) code_[at].jf = static_cast<std::uint8_t>(end - at - 1);
    code_.push_back({kReturn, 0, 0, kill});
    code_.push_back({kReturn, 0, 0, allow});
  }

 private:
  void WriteRange(std::size_t begin, std::size_t end) {
    if (end - begin <= kMostInARow) {
      for (std::size_t i = begin; i < end; ++i) {
        hits_.push_back(code_.size());
        if (i + 1 == end) misses_.push_back(code_.size());
        code_.push_back({kJeq, 0, 0, numbers_[i]});
      }
      return;
    }
    const std::size_t middle = begin + (end - begin) / 2;
    const std::size_t at = code_.size();
    code_.push_back({kJge, 0, 0, numbers_[middle]});
    WriteRange(begin, middle);
    code_[at].jt = static_cast<std::uint8_t>(code_.size() - at - 1);
    WriteRange(middle, end);
  }

  std::vector<Instruction>& code_;
  const std::vector<std::uint32_t>& numbers_;
  std::vector<std::size_t> hits_, misses_;
};

}  // namespace

base::Result<Program> AllowOnly(std::span<const std::string_view> calls) {
  if (calls.size() > kMostCalls) return base::Internal("filter of a process: too many calls");
  const std::uint32_t allow = abi::Encode(abi::Action::Allow());
  const std::uint32_t kill = abi::Encode(abi::Action::KillProcess());
  std::vector<std::uint32_t> numbers;
  numbers.reserve(calls.size());
  for (const std::string_view name : calls)
    if (const auto number = abi::Number(abi::NativeArch(), name)) numbers.push_back(*number);
  std::ranges::sort(numbers);
  std::vector<Instruction> code = {
      {kLoadAbs, 0, 0, kOffsetArch},
      {kJeq, 1, 0, abi::Info(abi::NativeArch()).token},
      {kReturn, 0, 0, kill},
      {kLoadAbs, 0, 0, kOffsetNr},
  };
  // The kernel runs it once for each number that there is when it is attached.
  Search(code, numbers).Write(kill, allow);
  return Validate(std::move(code));
}

}  // namespace bailey::bpf
