// Addresses of both families, ranges of them, and ports: read strictly, written in one form.
//
//   const auto address = ParseAddress("2001:db8::1");        // nullopt for anything doubtful
//   ToString(*address)                                        // "2001:db8::1" (RFC 5952)
//   ParseRange("10.0.0.0/8")->Contains(*ParseAddress("10.1.2.3"))
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bailey::base {

// An IPv6 address that holds an IPv4 one (::ffff:1.2.3.4) is always kept as the IPv4 address, so
// that no rule can be passed by spelling an address differently.
class Address {
 public:
  constexpr Address() = default;  // 0.0.0.0
  // `bytes` in network order: 4 or 16 of them; nullopt for any other number.
  static std::optional<Address> FromBytes(std::span<const std::uint8_t> bytes);
  static constexpr Address V4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    Address address;
    address.bytes_ = {a, b, c, d};
    return address;
  }

  // The first words of eight; the others are zero.
  static constexpr Address V6(std::array<std::uint16_t, 8> words) {
    Address address;
    address.v6_ = true;
    for (std::size_t i = 0; i < words.size(); ++i) {
      address.bytes_[2 * i] = static_cast<std::uint8_t>(words[i] >> 8);
      address.bytes_[2 * i + 1] = static_cast<std::uint8_t>(words[i]);
    }
    return address;
  }

  constexpr bool IsV6() const { return v6_; }
  constexpr std::size_t Size() const { return v6_ ? 16 : 4; }
  constexpr unsigned Bits() const { return v6_ ? 128 : 32; }
  std::span<const std::uint8_t> Bytes() const { return {bytes_.data(), Size()}; }
  // The address `offset` behind this one; wraps at the end.
  Address Plus(std::uint32_t offset) const;
  // The one before it; wraps at the beginning.
  Address Previous() const;
  auto operator<=>(const Address&) const = default;

 private:
  bool v6_ = false;
  std::array<std::uint8_t, 16> bytes_{};
};

// Dotted quads of four decimal numbers without leading zeros; IPv6 as RFC 4291 writes it, without
// zone and without brackets.
std::optional<Address> ParseAddress(std::string_view text);
std::string ToString(const Address& address);

// A prefix and all addresses that begin with it.
struct AddressRange {
  Address first;
  unsigned length = 32;  // bits

  bool Contains(const Address& address) const;
  bool Contains(const AddressRange& other) const;
  Address Last() const;
  auto operator<=>(const AddressRange&) const = default;
};
// "10.0.0.0/8", or an address alone; bits behind the prefix must be zero.
std::optional<AddressRange> ParseRange(std::string_view text);
// An address alone where the range holds only that.
std::string ToString(const AddressRange& range);

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};
// "10.0.0.1:80", "[::1]:80".
std::string ToString(const Endpoint& endpoint);

}  // namespace bailey::base
