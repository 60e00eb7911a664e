// How often which call was answered how: exact for every call that was counted, in memory that does
// not grow with their number.
//
//   audit::Denials denials;
//   ++denials.Of(data, answer).count;
//   for (const audit::Denial* one : denials.All()) ...
//
// Calls that differ in their telling argument (decode.h) are told apart, up to sixteen values a
// call; the others of that call are one, and so are the calls beyond a thousand different ones.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "abi/arch.h"
#include "abi/arguments.h"
#include "bpf/instruction.h"

namespace bailey::audit {

struct Denial {
  bpf::SeccompData example;    // the first that was counted
  std::uint32_t returned = 0;  // what the filter returned: errno, or going on (abi/notification.h)
  bool is_rest = false;        // of many: the example is one of different calls
  std::uint64_t count = 0;
  std::int64_t label = -1;  // the user's
};

class Denials {
 public:
  Denial& Of(const bpf::SeccompData& data, std::uint32_t returned);
  // The most frequent first.
  std::vector<const Denial*> All() const;
  std::uint64_t Total() const;

 private:
  static constexpr std::size_t kMostValues = 16;
  static constexpr std::size_t kMostCalls = 1024;

  struct Key {
    std::uint32_t arch = 0, number = 0, returned = 0;
    bool has_value = false;
    std::uint64_t value = 0;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      std::uint64_t hash = key.value * 0x9e3779b97f4a7c15;
      hash ^= (std::uint64_t{key.arch} << 32 | key.number) * 0xc2b2ae3d27d4eb4f;
      return static_cast<std::size_t>(hash ^ hash >> 29 ^ key.returned);
    }
  };
  // What a number means is looked up once.
  struct Known {
    std::optional<abi::Arch> arch;
    std::optional<abi::Argument> telling;
    std::size_t values = 0;
  };

  Denial& Add(const Key& key, const bpf::SeccompData& data, bool is_rest);

  std::unordered_map<std::uint64_t, Known> known_;  // by architecture and number
  std::unordered_map<Key, std::size_t, Hash> index_;
  std::deque<Denial> all_;
};

}  // namespace bailey::audit
