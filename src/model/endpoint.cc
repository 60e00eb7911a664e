#include "model/endpoint.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace bailey::model {
namespace {

using Json = nlohmann::json;

std::string_view HostOf(std::string_view url) {
  const std::size_t begin = url.find("://");
  std::string_view host = url.substr(begin == std::string_view::npos ? 0 : begin + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) {
    host.remove_prefix(at + 1);
  }
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool IsThisMachine(std::string_view host) {
  // "127.0.0.1.example.org" is a name of anybody's.
  const bool is_number = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "[::1]" || (is_number && host.starts_with("127."));
}

}  // namespace

std::string Shortened(std::string_view text) {
  constexpr std::size_t kLetters = 200;
  return base::Escape(text.substr(0, kLetters)) + (text.size() > kLetters ? "..." : "");
}

std::string CauseIn(std::string_view body) {
  const Json parsed = Json::parse(body, nullptr, false);
  if (parsed.is_object() && parsed.contains("error")) {
    const Json& error = parsed["error"];
    if (error.is_string()) return Shortened(error.get<std::string>());
    if (error.is_object() && error.contains("message") && error["message"].is_string()) {
      return Shortened(error["message"].get<std::string>());
    }
  }
  return Shortened(body);
}

base::Error CannotAsk(const Endpoint& endpoint, base::ErrorCode code, std::string_view cause) {
  std::string text = fmt::format("ask model \"{}\": {}", base::Escape(endpoint.model), cause);
  if (endpoint.key.empty()) return {.code = code, .text = std::move(text)};
  for (std::size_t at = text.find(endpoint.key); at != std::string::npos;
       at = text.find(endpoint.key)) {
    text.replace(at, endpoint.key.size(), "(key)");
  }
  return {.code = code, .text = std::move(text)};
}

base::Status CheckEndpoint(const Endpoint& endpoint) {
  const std::string& url = endpoint.url;
  const bool is_plain = url.starts_with("http://");
  if (!is_plain && !url.starts_with("https://")) {
    return CannotAsk(
        endpoint, base::ErrorCode::kInvalidInput,
        fmt::format("its address \"{}\" is neither http:// nor https://", base::Escape(url)));
  }
  if (is_plain && !endpoint.key.empty() && !IsThisMachine(HostOf(url))) {
    return CannotAsk(
        endpoint, base::ErrorCode::kInvalidInput,
        "the key would travel in the clear: its address is http:// on another machine");
  }
  return {};
}

}  // namespace bailey::model
