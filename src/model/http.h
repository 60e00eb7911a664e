// One HTTP request, by libcurl. Redirects are not followed: a key goes where it was sent to.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bailey::model {

struct HttpRequest {
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  std::chrono::milliseconds time_limit{0};
  std::size_t most_bytes = 0;  // of the answer
  // Where it is set, the body of an answer of status 200 goes here as it comes, and nowhere else;
  // false ends the request, which is an error.
  std::function<bool(std::string_view)> take;
  std::chrono::seconds idle_limit{0};  // nothing came for so long; 0: no limit
};

struct HttpAnswer {
  long status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;
};

// Any status is an answer; an error (kSystem) is no answer at all. "post to <url>: <cause>".
using Post = std::function<base::Result<HttpAnswer>(const HttpRequest&)>;
base::Result<HttpAnswer> PostByCurl(const HttpRequest& request);

}  // namespace bailey::model
