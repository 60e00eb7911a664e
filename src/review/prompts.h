// data/prompts/*, as they were at build.
#pragma once

#include <string_view>

namespace bailey::review {

std::string_view PromptRules();
std::string_view ResearcherPrompt();
std::string_view AuthorPrompt();
std::string_view ModeratorPrompt();
std::string_view BoardPrompt();

}  // namespace bailey::review
