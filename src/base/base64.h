// Base64 with padding (RFC 4648, 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bailey::base {

std::string EncodeBase64(std::string_view bytes);
// nullopt for what is not whole groups of four digits, of which the last may be padded.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace bailey::base
