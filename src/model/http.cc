#include "model/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

#include "base/text.h"

namespace bailey::model {
namespace {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;
using List = std::unique_ptr<curl_slist, ListDeleter>;

// Once a process, before its first request; libcurl asks for it while there is one thread.
bool StartLibrary() {
  static const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return started;
}

struct Incoming {
  CURL* easy = nullptr;
  const HttpRequest* request = nullptr;
  HttpAnswer answer;
  std::size_t taken = 0;
  bool is_too_long = false;
};

// libcurl ends the transfer when less is taken than was offered.
std::size_t TakeBody(const char* data, std::size_t, std::size_t size, void* context) {
  auto& incoming = *static_cast<Incoming*>(context);
  incoming.taken += size;
  if (incoming.taken > incoming.request->most_bytes) {
    incoming.is_too_long = true;
    return 0;
  }
  long status = 0;
  curl_easy_getinfo(incoming.easy, CURLINFO_RESPONSE_CODE, &status);
  if (incoming.request->take && status == 200)
    return incoming.request->take({data, size}) ? size : 0;
  incoming.answer.body.append(data, size);
  return size;
}

// "Retry-After: 3". The form with a date is not read: then the wait is ours.
std::size_t TakeHeader(const char* data, std::size_t, std::size_t size, void* context) {
  constexpr std::string_view kName = "retry-after:";
  const std::string_view line(data, size);
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (line.size() > kName.size() &&
      std::ranges::equal(line.substr(0, kName.size()), kName, {}, lower)) {
    std::string_view value = line.substr(kName.size());
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc() && seconds < 1'000'000) {
      static_cast<Incoming*>(context)->answer.retry_after = std::chrono::seconds(seconds);
    }
  }
  return size;
}

base::Error Failed(const HttpRequest& request, std::string_view cause) {
  return base::Error{.code = base::ErrorCode::kSystem,
                     .text = fmt::format("post to {}: {}", base::Escape(request.url), cause)};
}

void Prepare(CURL* easy, const HttpRequest& request, curl_slist* headers, Incoming& incoming) {
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.time_limit.count()));
  if (request.idle_limit.count() > 0) {
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.idle_limit.count()));
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &TakeBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &incoming);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &TakeHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &incoming);
}

}  // namespace

base::Result<HttpAnswer> PostByCurl(const HttpRequest& request) {
  if (!StartLibrary()) return Failed(request, "libcurl does not start");
  const Easy easy(curl_easy_init());
  List headers;
  for (const std::string& header : request.headers) {
    curl_slist* longer = curl_slist_append(headers.get(), header.c_str());
    if (longer == nullptr) return Failed(request, "no memory is left");
    (void)headers.release();  // `longer` begins with it
    headers.reset(longer);
  }
  if (!easy) return Failed(request, "no memory is left");
  Incoming incoming;
  incoming.easy = easy.get();
  incoming.request = &request;
  Prepare(easy.get(), request, headers.get(), incoming);
  const CURLcode code = curl_easy_perform(easy.get());
  if (incoming.is_too_long) {
    return Failed(request, fmt::format("the answer is longer than {} bytes", request.most_bytes));
  }
  if (code != CURLE_OK) return Failed(request, curl_easy_strerror(code));
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &incoming.answer.status);
  return std::move(incoming.answer);
}

}  // namespace bailey::model
