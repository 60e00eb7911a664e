// Whether a request over HTTP may be looked at any further: decided by its head alone, before a
// byte of its body is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/http_reader.h"

namespace bailey::mcp {

struct HttpRules {
  std::string path = "/mcp";
  std::string token;  // empty: none is asked for
  // "localhost:8931": a page of another name that was made to resolve to this machine says its own.
  // Empty: any, on a socket that no browser reaches.
  std::vector<std::string> hosts;
  std::vector<std::string> origins;  // "http://localhost:8931"; a program sends none
};

// Those that a listener of this port has: what this machine is called on its loopback, the bound
// address, and names that were added, with or without a port. In lower case.
HttpRules RulesFor(std::string_view address, unsigned port, std::vector<std::string> more_hosts,
                   std::vector<std::string> more_origins);

std::optional<HttpFault> Refuse(const HttpHead& head, const HttpRules& rules);

// Whether an Accept field takes this type.
bool Accepts(std::string_view accept, std::string_view type);

}  // namespace bailey::mcp
