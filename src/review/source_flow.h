// Where a value goes inside of one function: by assignment, by formatting, by joining.
//
//   const Flow flow(code, function);
//   if (const auto path = flow.From(argument, "id")) ...   // the steps from the id to the argument
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "review/source_code.h"

namespace bailey::review {

// A name that holds (a part of) another name's value from a place on.
struct Carrier {
  std::string_view name;
  Index at = 0;          // where it took the value
  std::size_t from = 0;  // the carrier it was taken from; itself for the first
};

class Flow {
 public:
  // What happens to the value of `source`, a variable or a member, in `body`.
  Flow(const Code& code, Range body, std::string_view source, Index since);

  // The carrier whose text goes into the value of the range: as it is, copied, formatted or joined.
  // What only asks about it (its length, a comparison, a look-up) does not carry it.
  const Carrier* In(Range range) const;
  // From the source to the carrier, in order.
  std::vector<std::pair<Index, std::string>> StepsTo(const Carrier& carrier) const;

 private:
  bool Carries(Index mention, Range range) const;
  bool IsCarried(const Carrier& carrier, Range range) const;
  void Write(const Call& call);

  const Code& code_;
  std::vector<Carrier> carriers_;
};

// The names in braces of a format string: "a" and "b" of "{a}/{b:?}{}".
std::vector<std::string_view> NamesInFormat(std::string_view text);
// A format and what it makes: snprintf(to, n, format, ...), g_strdup_printf(format, ...),
// format!(format, ...), std::format, a + b, str::append.
struct Format {
  std::string text;              // the pieces of string
  std::string_view target;       // the buffer that it writes; empty: it returns the text
  std::vector<Range> arguments;  // behind the format
};
std::optional<Format> FormatOf(const Code& code, const Call& call);

}  // namespace bailey::review
