// Source text of C, C++ and Rust: the first byte chooses. Tokens stand in the text in order, and
// every finding has a place in it.
#include "input.h"
#include "review/source_lex.h"
#include "review/source_rule.h"

using namespace bailey;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static constexpr const char* kPaths[] = {"input.c", "input.cc", "input.rs"};
  const auto file =
      review::Lex(std::string(Text(data + 1, size - 1)), kPaths[data[0] % std::size(kPaths)]);
  if (!file) {
    Demand(file.error().location.line > 0, "an error has a line");
    return 0;
  }
  const char* at = file->text->data();
  for (const review::Token& token : file->tokens) {
    Demand(!token.text.empty() && token.text.data() >= at, "tokens stand in order");
    at = token.text.data() + token.text.size();
  }
  Demand(at <= file->text->data() + file->text->size(), "tokens stand in the text");
  for (const review::Finding& finding : review::JudgeSource(*file)) {
    Demand(finding.place.line > 0, "a finding has a line");
    Demand(finding.evidence.empty() != finding.against.empty(), "it is a finding or a question");
  }
  return 0;
}
