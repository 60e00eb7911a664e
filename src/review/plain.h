// Text of a subject on its way into a report. A subject names files, calls and identifiers as it
// likes: what would act in a report (markup, links, mentions, marks that reorder text) is made to
// be seen instead.
#pragma once

#include <string>
#include <string_view>

namespace bailey::review {

enum class Lines : std::uint8_t { kJoin, kKeep };

// UTF-8 in which nothing acts on a terminal or reorders what is read: bytes that are no UTF-8,
// control characters and the marks of bidirectional text become U+FFFD. Line breaks become blanks,
// or stay.
std::string Plain(std::string_view text, Lines lines = Lines::kJoin);

// In the flow of a Markdown line.
std::string MarkdownText(std::string_view text);
// Between as many backticks as it needs.
std::string MarkdownCode(std::string_view text);
// A fenced block, its last line break included. `language`: ours, never the subject's.
std::string MarkdownBlock(std::string_view text, std::string_view language);

// In an element or a quoted attribute of HTML.
std::string HtmlText(std::string_view text, Lines lines = Lines::kJoin);

// One part of a URI; '/' stays.
std::string PercentEncoded(std::string_view text);

}  // namespace bailey::review
