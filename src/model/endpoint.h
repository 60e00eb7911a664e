// Where a language model is asked: the server, its model, and the key, which is said to nobody
// else.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace bailey::model {

struct Endpoint {
  std::string url;    // up to and with "/v1"; "/chat/completions" is added
  std::string model;  // by the server's name
  std::string key;    // empty: none is sent
};

// "ask model \"qwen\": <cause>". A server may say the key back: it is taken out.
base::Error CannotAsk(const Endpoint& endpoint, base::ErrorCode code, std::string_view cause);
// kInvalidInput for an address that is no http:// or https://, or over which a key would travel in
// the clear to another machine.
base::Status CheckEndpoint(const Endpoint& endpoint);
// What a server says of its error: {"error": {"message": ...}}, or the begin of the whole body.
std::string CauseIn(std::string_view body);
std::string Shortened(std::string_view text);

}  // namespace bailey::model
