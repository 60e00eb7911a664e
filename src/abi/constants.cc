#include "abi/constants.h"

#include <algorithm>
#include <iterator>

#include "abi/constant_table.h"
#include "abi/name_index.h"

namespace bailey::abi {
namespace {

constexpr auto kIndex = MakeNameIndex(table::kConstantNames);
constexpr auto kErrnoIndex = MakeNameIndex(table::kErrnoNames);

std::optional<std::uint64_t> ValueOn(Arch arch, const table::Value& value,
                                     const table::Override* overrides) {
  const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(arch);
  for (unsigned i = 0; i < value.overrides; ++i) {
    const table::Override& other = overrides[value.first + i];
    if ((other.archs & bit) == 0) continue;
    if (!other.defined) return std::nullopt;
    return other.value;
  }
  return value.common;
}

// One of the generated lists of names; the others are in the order of `names`.
struct List {
  base::Texts names;
  std::span<const table::Value> values;
  std::span<const bool> is_alias;
  const table::Override* overrides;
};
constexpr List kConstants = {table::kConstantNames, table::kConstantValues, table::kConstantIsAlias,
                             table::kConstantOverrides};
constexpr List kErrnos = {table::kErrnoNames, table::kErrnoValues, table::kErrnoIsAlias,
                          table::kErrnoOverrides};

// A name in [first, last) that has this value; an alias only when there is no other.
std::string_view NameOf(const List& list, Arch arch, std::uint64_t number, std::size_t first,
                        std::size_t last) {
  std::string_view alias;
  for (std::size_t at = first; at < last; ++at) {
    if (ValueOn(arch, list.values[at], list.overrides) != number) continue;
    if (!list.is_alias[at]) return list.names[at];
    if (alias.empty()) alias = list.names[at];
  }
  return alias;
}

// AF_* of include/linux/socket.h, by number.
constexpr std::string_view kFamilies[] = {
    "unspec",  "unix",    "inet",    "ax25",   "ipx",        "appletalk", "netrom",   "bridge",
    "atmpvc",  "x25",     "inet6",   "rose",   "decnet",     "netbeui",   "security", "key",
    "netlink", "packet",  "ash",     "econet", "atmsvc",     "rds",       "sna",      "irda",
    "pppox",   "wanpipe", "llc",     "ib",     "mpls",       "can",       "tipc",     "bluetooth",
    "iucv",    "rxrpc",   "isdn",    "phonet", "ieee802154", "caif",      "alg",      "nfc",
    "vsock",   "kcm",     "qipcrtr", "smc",    "xdp",        "mctp",
};

struct OtherFamily {
  std::string_view name;
  std::uint16_t family;
};
constexpr OtherFamily kOtherFamilies[] = {{"local", 1}, {"file", 1}, {"route", 16}};

}  // namespace

std::optional<std::uint64_t> Constant(Arch arch, std::string_view name) {
  const auto at = kIndex.Find(table::kConstantNames, name);
  if (!at) return std::nullopt;
  return ValueOn(arch, table::kConstantValues[*at], table::kConstantOverrides);
}

bool IsKnownConstant(std::string_view name) {
  return kIndex.Find(table::kConstantNames, name).has_value();
}

base::Texts AllConstants() { return table::kConstantNames; }

std::string_view ConstantName(Arch arch, std::string_view prefix, std::uint64_t value) {
  const auto names = kConstants.names;
  const auto first = std::ranges::lower_bound(names, prefix);
  const auto last = std::find_if_not(
      first, names.end(), [&](std::string_view name) { return name.starts_with(prefix); });
  return NameOf(kConstants, arch, value, static_cast<std::size_t>(first - names.begin()),
                static_cast<std::size_t>(last - names.begin()));
}

std::optional<std::uint16_t> ErrnoNumber(Arch arch, std::string_view name) {
  const auto at = kErrnoIndex.Find(table::kErrnoNames, name);
  if (!at) return std::nullopt;
  const auto value = ValueOn(arch, table::kErrnoValues[*at], table::kErrnoOverrides);
  if (!value) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

std::string_view ErrnoName(Arch arch, std::uint16_t number) {
  return NameOf(kErrnos, arch, number, 0, kErrnos.names.size());
}

std::optional<std::uint16_t> SocketFamily(std::string_view name) {
  const auto* found = std::ranges::find(kFamilies, name);
  if (found != std::end(kFamilies)) return static_cast<std::uint16_t>(found - kFamilies);
  for (const OtherFamily& other : kOtherFamilies) {
    if (other.name == name) return other.family;
  }
  return std::nullopt;
}

std::string_view SocketFamilyName(std::uint16_t family) {
  return family < std::size(kFamilies) ? kFamilies[family] : std::string_view();
}

}  // namespace bailey::abi
