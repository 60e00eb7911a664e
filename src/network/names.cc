#include "network/names.h"

#include "egress/special.h"

namespace bailey::network {
namespace {

// Behind the addresses of the sandbox and the gateway.
constexpr std::uint32_t kFirst = 256;

std::optional<std::size_t> IndexOf(const base::Address& address) {
  const base::AddressRange& range = address.IsV6() ? egress::kNames6 : egress::kNames4;
  if (!range.Contains(address)) return std::nullopt;
  const auto bytes = address.Bytes();
  const auto first = range.first.Bytes();
  std::uint64_t offset = 0;
  for (std::size_t i = bytes.size() - 4; i < bytes.size(); ++i)
    offset = offset * 256 + (bytes[i] - first[i]);
  if (offset < kFirst) return std::nullopt;
  return offset - kFirst;
}

}  // namespace

std::optional<NameTable::Given> NameTable::Give(const egress::Host& host) {
  auto found = indices_.find(host);
  const bool first = found == indices_.end();
  if (first) {
    if (names_.size() == kMostNames) return std::nullopt;
    found = indices_.emplace(host, names_.size()).first;
    names_.push_back(&found->first);
  }
  const auto offset = static_cast<std::uint32_t>(kFirst + found->second);
  return Given{{egress::kNames4.first.Plus(offset), egress::kNames6.first.Plus(offset)}, first};
}

const egress::Host* NameTable::Find(const base::Address& address) const {
  const auto index = IndexOf(address);
  return index && *index < names_.size() ? names_[*index] : nullptr;
}

}  // namespace bailey::network
