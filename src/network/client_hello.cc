#include "network/client_hello.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace bailey::network {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kRecordHeader = 5;
constexpr std::uint8_t kHandshake = 22, kClientHello = 1;
constexpr std::size_t kMostRecord = 16384 + 256;

// Reads from the front; after a read that does not fit every further one is empty.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}

  bool Failed() const { return failed_; }
  bool AtEnd() const { return bytes_.empty(); }
  std::size_t Number(std::size_t size) {
    std::size_t number = 0;
    for (const std::uint8_t byte : Take(size)) number = number << 8 | byte;
    return number;
  }
  Bytes Take(std::size_t size) {
    if (size > bytes_.size()) {
      failed_ = true;
      bytes_ = {};
      return {};
    }
    const Bytes taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  // A length of `size` bytes, and as many bytes as it says.
  Bytes TakeVector(std::size_t size) { return Take(Number(size)); }

 private:
  Bytes bytes_;
  bool failed_ = false;
};

ClientHello Is(ClientHello::Kind kind, std::size_t needed = 0) { return {kind, needed, {}}; }

// Exactly one name of a host, and no more: what several mean is each server's guess.
std::optional<egress::Host> NameIn(Bytes extension) {
  Reader list(extension);
  Reader names(list.TakeVector(2));
  const std::size_t type = names.Number(1);
  const Bytes name = names.TakeVector(2);
  if (list.Failed() || !list.AtEnd() || names.Failed() || !names.AtEnd() || type != 0)
    return std::nullopt;
  return egress::Host::Parse({reinterpret_cast<const char*>(name.data()), name.size()});
}

ClientHello ReadBody(Bytes body) {
  using Kind = ClientHello::Kind;
  Reader reader(body);
  (void)reader.Take(2 + 32);   // version, random
  (void)reader.TakeVector(1);  // session
  (void)reader.TakeVector(2);  // cipher suites
  (void)reader.TakeVector(1);  // compression
  if (reader.Failed()) return Is(Kind::kMalformed);
  if (reader.AtEnd()) return Is(Kind::kNameless);
  Reader extensions(reader.TakeVector(2));
  if (reader.Failed() || !reader.AtEnd()) return Is(Kind::kMalformed);
  ClientHello hello = Is(Kind::kNameless);
  while (!extensions.AtEnd()) {
    constexpr std::size_t kServerName = 0;
    const std::size_t type = extensions.Number(2);
    const Bytes value = extensions.TakeVector(2);
    if (extensions.Failed()) return Is(Kind::kMalformed);
    if (type != kServerName) continue;
    if (hello.host) return Is(Kind::kMalformed);
    hello.host = NameIn(value);
    if (!hello.host) return Is(Kind::kMalformed);
    hello.kind = Kind::kNamed;
  }
  return hello;
}

}  // namespace

ClientHello ReadClientHello(Bytes bytes) {
  using Kind = ClientHello::Kind;
  std::vector<std::uint8_t> message;  // of the handshake, out of its records
  std::size_t at = 0;
  for (;;) {
    const Bytes rest = bytes.subspan(at);
    if (!rest.empty() && rest[0] != kHandshake) return Is(at ? Kind::kMalformed : Kind::kNotTls);
    if (rest.size() >= 2 && rest[1] != 3) return Is(at ? Kind::kMalformed : Kind::kNotTls);
    if (rest.size() < kRecordHeader) return Is(Kind::kIncomplete, at + kRecordHeader);
    const std::size_t size = static_cast<std::size_t>(rest[3] << 8 | rest[4]);
    if (size == 0 || size > kMostRecord) return Is(Kind::kMalformed);
    const std::size_t end = at + kRecordHeader + size;
    if (end > ClientHello::kMostBytes) return Is(Kind::kMalformed);
    const Bytes record = rest.subspan(kRecordHeader, std::min(size, rest.size() - kRecordHeader));
    message.insert(message.end(), record.begin(), record.end());
    if (!message.empty() && message[0] != kClientHello) return Is(Kind::kMalformed);
    if (message.size() >= 4) {
      const std::size_t length =
          static_cast<std::size_t>(message[1] << 16 | message[2] << 8 | message[3]);
      if (length > ClientHello::kMostBytes) return Is(Kind::kMalformed);
      if (message.size() >= 4 + length) return ReadBody(Bytes(message).subspan(4, length));
    }
    if (record.size() < size) return Is(Kind::kIncomplete, end);
    at = end;
  }
}

}  // namespace bailey::network
