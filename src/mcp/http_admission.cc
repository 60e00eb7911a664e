#include "mcp/http_admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "mcp/http_reply.h"

namespace bailey::mcp {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return lower;
}

// As long as the texts have one length, the time says nothing of where they differ.
bool IsSame(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    differs = static_cast<unsigned char>(differs | (a[i] ^ b[i]));
  return differs == 0;
}

bool HasToken(const HttpHead& head, const std::string& token) {
  constexpr std::string_view kScheme = "bearer ";
  if (!head.authorization || head.authorization->size() < kScheme.size()) return false;
  const std::string_view text = *head.authorization;
  return Lower(text.substr(0, kScheme.size())) == kScheme &&
         IsSame(base::Trim(text.substr(kScheme.size())), token);
}

bool IsListed(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::find(list, Lower(text)) != list.end();
}

}  // namespace

HttpRules RulesFor(std::string_view address, unsigned port, std::vector<std::string> more_hosts,
                   std::vector<std::string> more_origins) {
  HttpRules rules;
  std::vector<std::string> names = {"localhost", "127.0.0.1", "[::1]", std::string(address)};
  for (const std::string& name : names) rules.hosts.push_back(fmt::format("{}:{}", name, port));
  constexpr unsigned kUsual = 80;
  if (port == kUsual) rules.hosts.insert(rules.hosts.end(), names.begin(), names.end());
  for (const std::string& host : more_hosts) rules.hosts.push_back(Lower(host));
  for (const std::string& host : rules.hosts) rules.origins.push_back("http://" + host);
  for (const std::string& origin : more_origins) rules.origins.push_back(Lower(origin));
  return rules;
}

std::optional<HttpFault> Refuse(const HttpHead& head, const HttpRules& rules) {
  constexpr int kCode = -32600;
  const auto refuse = [](int status, std::string text, std::string fields = "") {
    return HttpFault{status, std::move(text), std::move(fields), kCode};
  };
  if (!head.host) return refuse(400, "read request: it names no Host");
  if (!rules.hosts.empty() && !IsListed(rules.hosts, *head.host))
    return refuse(403, "read request: its Host is not one of this server's");
  if (head.origin && !IsListed(rules.origins, *head.origin))
    return refuse(403, "read request: its Origin is not allowed");
  if (!rules.token.empty() && !HasToken(head, rules.token))
    return refuse(401, "read request: the token is missing or wrong",
                  "WWW-Authenticate: Bearer\r\n");
  if (head.target != rules.path) return refuse(404, "read request: there is only " + rules.path);
  if (head.method == "GET") {
    if (Accepts(head.accept, kEvents)) return std::nullopt;
    return refuse(406, "read request: a GET must accept text/event-stream");
  }
  if (head.method == "DELETE") return std::nullopt;
  if (head.method != "POST")
    return refuse(405, "read request: there are only POST, GET and DELETE",
                  "Allow: POST, GET, DELETE\r\n");
  const std::string type =
      Lower(base::Trim(head.content_type.substr(0, head.content_type.find(';'))));
  if (type != kJson) return refuse(415, "read request: its body must be application/json");
  if (!Accepts(head.accept, kJson) || !Accepts(head.accept, kEvents))
    return refuse(406, "read request: it must accept application/json and text/event-stream");
  return std::nullopt;
}

bool Accepts(std::string_view accept, std::string_view type) {
  const std::string_view family = type.substr(0, type.find('/') + 1);
  for (std::string_view one : base::Split(accept, ',')) {
    const std::string name = Lower(base::Trim(one.substr(0, one.find(';'))));
    if (name == type || name == "*/*" || name == std::string(family) + "*") return true;
  }
  return false;
}

}  // namespace bailey::mcp
