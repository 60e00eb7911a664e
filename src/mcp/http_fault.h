// What a request over HTTP is refused with.
#pragma once

#include <string>

namespace bailey::mcp {

struct HttpFault {
  int status = 400;
  std::string text;    // "<verb> <object>: <cause>"
  std::string fields;  // further lines of the answer's head, each with its end
  int code = -32600;   // JSON-RPC's
  bool operator==(const HttpFault&) const = default;
};

}  // namespace bailey::mcp
