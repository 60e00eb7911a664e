#include "audit/denials.h"

#include <algorithm>

#include "audit/decode.h"

namespace bailey::audit {

Denial& Denials::Add(const Key& key, const bpf::SeccompData& data, bool is_rest) {
  const auto [at, is_new] = index_.emplace(key, all_.size());
  if (is_new) {
    all_.push_back({.example = data, .returned = key.returned, .is_rest = is_rest});
  }
  return all_[at->second];
}

Denial& Denials::Of(const bpf::SeccompData& data, std::uint32_t returned) {
  const std::uint64_t call = std::uint64_t{data.arch} << 32 | data.nr;
  auto known = known_.find(call);
  if (known == known_.end()) {
    if (known_.size() >= kMostCalls) return Add({.returned = returned}, data, true);
    Known made = {.arch = ArchOf(data)};
    if (made.arch) made.telling = TellingArgumentOf(*made.arch, NameOf(data));
    known = known_.emplace(call, made).first;
  }
  const auto& [arch, telling, values] = known->second;
  Key key = {data.arch, data.nr, returned, telling.has_value(),
             telling ? ValueOf(*telling, *arch, data) : 0};
  const auto found = index_.find(key);
  if (found != index_.end()) return all_[found->second];
  if (telling && ++known->second.values > kMostValues) {
    key.has_value = false;
    key.value = 0;
    return Add(key, data, true);
  }
  return Add(key, data, false);
}

std::vector<const Denial*> Denials::All() const {
  std::vector<const Denial*> all;
  for (const Denial& one : all_) all.push_back(&one);
  std::ranges::stable_sort(all, std::greater(), &Denial::count);
  return all;
}

std::uint64_t Denials::Total() const {
  std::uint64_t total = 0;
  for (const Denial& one : all_) total += one.count;
  return total;
}

}  // namespace bailey::audit
