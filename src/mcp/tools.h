// What a server says of its tools, taken from the text of an answer to tools/list.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mcp/json_text.h"

namespace bailey::mcp {

struct Tool {
  std::string name;
  // The whole definition with names in order and in ASCII: equal definitions are equal texts.
  std::string definition;
  Range range;  // where it stands in the message
};

struct ToolList {
  std::vector<Tool> tools;
  std::optional<std::string> cursor;  // where the list goes on
};

// `message`: one without a scanner's fault. Nothing where it has no list of tools (an error, or an
// answer that asks for something). What two readers could read differently is an error: names that
// come twice in an object, tools without a name or with the same.
base::Result<std::optional<ToolList>> ReadTools(std::string_view message);

// The same message byte for byte, but for these elements of its list.
std::string WithoutTools(std::string_view message, const std::vector<Range>& removed);

// A call of a tool, in a request's params.
struct Call {
  std::string tool;
  std::string arguments;  // as they stand there; empty: none
  std::string meta;       // params._meta, which a request of 2026-07-28 has
  // Where 2026-07-28 is spoken: such a result says that it is complete.
  bool IsStateless() const;
};
base::Result<Call> ReadCall(std::string_view message);

}  // namespace bailey::mcp
