// The one form in which a host's name is compared, wherever it comes from: a rule, a query of the
// name service, a TLS ClientHello, a Host header, a proxy request.
//
//   const auto host = Host::Parse("WWW.Example.ORG.");
//   host->Text()                                             // "www.example.org"
//
// A name is 1 to 253 bytes of labels between dots, each 1 to 63 letters, digits, hyphens and
// underscores, with no hyphen at either end. Letters are made small, one dot at the end is taken
// off. International names are written by their A-labels (xn--...). What a resolver could read as
// an address is none: a last label of digits, or of 0x and hexadecimal ones.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace bailey::egress {

class Host {
 public:
  static constexpr std::size_t kMostBytes = 253;

  // nullopt for anything that is not a name, a NUL or another odd byte in it included.
  static std::optional<Host> Parse(std::string_view text);

  const std::string& Text() const { return text_; }
  // "a.example.org" is below "example.org", which is not below itself.
  bool IsBelow(const Host& domain) const;
  auto operator<=>(const Host&) const = default;

 private:
  explicit Host(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace bailey::egress
