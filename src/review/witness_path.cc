#include "review/witness_path.h"

#include <fmt/format.h>

#include "base/text.h"
#include "bpf/disassembler.h"
#include "bpf/interpreter.h"

namespace bailey::review {

FilterListing::FilterListing(const Subject& subject) : subject_(&subject) {
  if (!subject.filter) return;
  for (const bpf::Program& program : subject.filter->stack) {
    const std::string text = bpf::Disassemble(program, {.big_endian = subject.filter->big_endian});
    std::vector<std::string>& lines = lines_.emplace_back();
    for (const std::string_view line : base::Split(text, '\n')) lines.emplace_back(line);
  }
}

std::vector<Passage> FilterListing::Passages(const Finding& finding) const {
  std::vector<Passage> passages;
  if (!finding.witness || !subject_->filter) return passages;
  const prove::Subject& filters = *subject_->filter;
  for (std::size_t i = filters.stack.size(); i-- > 0;) {
    passages.push_back(
        {.filter = i,
         .pcs = bpf::Path(filters.stack[i], *finding.witness, filters.big_endian),
         .value = bpf::Interpret(filters.stack[i], *finding.witness, filters.big_endian).value});
  }
  return passages;
}

std::vector<Step> FilterListing::Flow(const Finding& finding) const {
  if (!finding.flow.empty()) return finding.flow;
  std::vector<Step> flow;
  for (const Passage& passage : Passages(finding)) {
    const std::string prefix =
        FilterCount() == 1 ? std::string() : fmt::format("filter {}: ", passage.filter);
    for (const std::uint32_t pc : passage.pcs) {
      flow.push_back({.place = {.file = subject_->file, .pc = pc},
                      .text = prefix + Lines(passage.filter)[pc]});
    }
  }
  return flow;
}

}  // namespace bailey::review
