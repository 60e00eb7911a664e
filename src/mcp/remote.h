// A remote server over Streamable HTTP, as one on standard input and output: messages in, one a
// line, and what the server says out. Both eras of the protocol; no document is made of an answer.
//
//   RunRemote({.url = "https://example.org/mcp", .fields = {"Authorization: Bearer ..."}}, 0, 1);
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace bailey::mcp {

struct RemoteOptions {
  std::string url;
  std::vector<std::string> fields;  // "Name: value", of every request
  std::string authorities;          // certificates (PEM); empty: those of this machine
  std::size_t most = 64u << 20;     // bytes of a message
  std::function<void(const std::string&)> note;
};

// kInvalidInput for what is no http:// or https:// address, and for http:// to another machine.
base::Status CheckUrl(const std::string& url);
// Blocks until `from` has ended; then the session is ended too.
base::Status RunRemote(const RemoteOptions& options, int from, int to);

}  // namespace bailey::mcp
