#include "base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace bailey::base {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<unsigned> ParseDecimal(std::string_view text, unsigned most) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size() || number > most)
    return std::nullopt;
  return number;
}

std::optional<Address> ParseV4(std::string_view text) {
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return std::nullopt;
    const auto number = ParseDecimal(text.substr(0, dot), 255);
    if (!number) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(*number);
    text.remove_prefix(std::min(text.size(), dot == std::string_view::npos ? dot : dot + 1));
  }
  return Address::FromBytes(bytes);
}

bool HasPrefix(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> prefix,
               unsigned length) {
  const std::size_t whole = length / 8;
  if (!std::ranges::equal(bytes.first(whole), prefix.first(whole))) return false;
  const unsigned rest = length % 8;
  return rest == 0 || ((bytes[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

}  // namespace

std::optional<Address> Address::FromBytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  if (bytes.size() == 16 && HasPrefix(bytes, kMappedPrefix, 96)) bytes = bytes.subspan(12);
  Address address;
  address.v6_ = bytes.size() == 16;
  std::ranges::copy(bytes, address.bytes_.begin());
  return address;
}

Address Address::Plus(std::uint32_t offset) const {
  Address sum = *this;
  std::uint64_t carry = offset;
  for (std::size_t i = Size(); i-- > 0 && carry != 0; carry >>= 8) {
    carry += sum.bytes_[i];
    sum.bytes_[i] = static_cast<std::uint8_t>(carry);
  }
  return sum;
}

Address Address::Previous() const {
  Address before = *this;
  for (std::size_t i = Size(); i-- > 0;)
    if (before.bytes_[i]-- != 0) break;
  return before;
}

std::optional<Address> ParseAddress(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return ParseV4(text);
  // inet_pton(3) is strict for IPv6, its embedded dotted quad included.
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET6, std::string(text).c_str(), bytes.data()) != 1) return std::nullopt;
  return Address::FromBytes(bytes);
}

std::string ToString(const Address& address) {
  const auto bytes = address.Bytes();
  if (!address.IsV6()) return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
  std::array<char, INET6_ADDRSTRLEN> text{};
  (void)::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());  // has room for any
  return text.data();
}

bool AddressRange::Contains(const Address& address) const {
  return address.IsV6() == first.IsV6() && HasPrefix(address.Bytes(), first.Bytes(), length);
}

bool AddressRange::Contains(const AddressRange& other) const {
  return length <= other.length && Contains(other.first);
}

Address AddressRange::Last() const {
  std::array<std::uint8_t, 16> bytes{};
  const auto from = first.Bytes();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const unsigned begin = static_cast<unsigned>(i) * 8;
    const unsigned fixed = length <= begin ? 0 : std::min(8u, length - begin);
    bytes[i] = static_cast<std::uint8_t>(from[i] | (0xffu >> fixed));
  }
  return *Address::FromBytes(std::span(bytes).first(from.size()));
}

std::optional<AddressRange> ParseRange(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = ParseAddress(text.substr(0, slash));
  if (!address) return std::nullopt;
  AddressRange range{*address, address->Bits()};
  if (slash == std::string_view::npos) return range;
  const auto length = ParseDecimal(text.substr(slash + 1), address->Bits());
  // A range of mapped addresses would be one of IPv4 with a length that means something else.
  if (!length || (!address->IsV6() && text.find(':') != std::string_view::npos))
    return std::nullopt;
  range.length = *length;
  const AddressRange all{range.first, range.length};
  for (unsigned bit = range.length; bit < address->Bits(); ++bit)
    if (all.first.Bytes()[bit / 8] & (0x80u >> (bit % 8))) return std::nullopt;
  return range;
}

std::string ToString(const AddressRange& range) {
  if (range.length == range.first.Bits()) return ToString(range.first);
  return fmt::format("{}/{}", ToString(range.first), range.length);
}

std::string ToString(const Endpoint& endpoint) {
  return fmt::format(fmt::runtime(endpoint.address.IsV6() ? "[{}]:{}" : "{}:{}"),
                     ToString(endpoint.address), endpoint.port);
}

}  // namespace bailey::base
