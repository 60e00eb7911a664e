// The way of a finding's witness through the subject's filters, instruction by instruction.
//
//   const FilterListing listing(subject);
//   for (const Passage& passage : listing.Passages(finding)) Draw(passage);
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "review/record.h"
#include "review/subject.h"

namespace bailey::review {

// Through one filter of the stack.
struct Passage {
  std::size_t filter = 0;  // its place in the stack, oldest first
  std::vector<std::uint32_t> pcs;
  std::uint32_t value = 0;  // what it returns
};

// The subject's filters, disassembled once.
class FilterListing {
 public:
  // Keeps a pointer to the subject.
  explicit FilterListing(const Subject& subject);

  // In the order in which the kernel runs them: the newest first. Empty where the finding has no
  // witness or the subject no filter.
  std::vector<Passage> Passages(const Finding& finding) const;
  // The finding's own flow, or the instructions of its passages with what the call meets there.
  std::vector<Step> Flow(const Finding& finding) const;
  // One an instruction: "0007  jeq   #0x3b            true 0009  false 0008  ; execve"
  const std::vector<std::string>& Lines(std::size_t filter) const { return lines_[filter]; }
  std::size_t FilterCount() const { return lines_.size(); }

 private:
  const Subject* subject_;
  std::vector<std::vector<std::string>> lines_;  // a filter, an instruction
};

}  // namespace bailey::review
