#include "network/client_hello.h"

#include <gtest/gtest.h>

#include <random>
#include <span>
#include <string>
#include <vector>

namespace bailey::network {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Kind = ClientHello::Kind;

void Put(Bytes& out, std::size_t size, std::size_t number) {
  while (size-- > 0) out.push_back(static_cast<std::uint8_t>(number >> (8 * size)));
}

void Append(Bytes& out, std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) out.push_back(byte);
}

Bytes Extension(std::size_t type, const Bytes& value) {
  Bytes out;
  Put(out, 2, type);
  Put(out, 2, value.size());
  Append(out, value);
  return out;
}

Bytes Sni(const std::string& name) {
  Bytes out;
  Put(out, 2, name.size() + 3);
  Put(out, 1, 0);
  Put(out, 2, name.size());
  out.insert(out.end(), name.begin(), name.end());
  return Extension(0, out);
}

// A ClientHello with these extensions, in records of at most `most` bytes.
Bytes Hello(const std::vector<Bytes>& extensions, std::size_t most = 16384) {
  Bytes body = {3, 3};
  body.resize(body.size() + 32);
  Put(body, 1, 0);
  Put(body, 2, 2);
  Put(body, 2, 0x1301);
  Put(body, 1, 1);
  Put(body, 1, 0);
  Bytes all;
  for (const Bytes& one : extensions) Append(all, one);
  Put(body, 2, all.size());
  Append(body, all);
  Bytes message = {1};
  Put(message, 3, body.size());
  Append(message, body);
  Bytes out;
  for (std::size_t at = 0; at < message.size(); at += most) {
    const std::size_t size = std::min(most, message.size() - at);
    out.insert(out.end(), {22, 3, 1});
    Put(out, 2, size);
    Append(out, std::span(message).subspan(at, size));
  }
  return out;
}

TEST(ClientHello, NamesItsServer) {
  for (const std::size_t most : {1u, 2u, 7u, 100u, 16384u}) {
    const Bytes bytes = Hello({Extension(43, {2, 3, 4}), Sni("Example.TEST"), {}}, most);
    const ClientHello hello = ReadClientHello(bytes);
    ASSERT_EQ(hello.kind, Kind::kNamed) << most;
    EXPECT_EQ(hello.host->Text(), "example.test");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const ClientHello part = ReadClientHello(std::span(bytes).first(size));
      ASSERT_EQ(part.kind, Kind::kIncomplete) << size;
      EXPECT_GT(part.needed, size);
      EXPECT_LE(part.needed, bytes.size());
    }
  }
}

TEST(ClientHello, IsJudged) {
  using namespace std::string_literals;
  Bytes two_names = {0, 14, 0, 0, 4, 'a', '.', 'd', 'e', 0, 0, 4, 'b', '.', 'd', 'e'};
  const struct {
    const char* sentence;
    Bytes bytes;
    Kind want;
  } kCases[] = {
      {"no name", Hello({Extension(43, {0})}), Kind::kNameless},
      {"an address for a name", Hello({Sni("1.2.3.4")}), Kind::kMalformed},
      {"a NUL in the name", Hello({Sni("a.test\0.b.test"s)}), Kind::kMalformed},
      {"an empty name", Hello({Sni("")}), Kind::kMalformed},
      {"the extension twice", Hello({Sni("a.test"), Sni("b.test")}), Kind::kMalformed},
      {"two names in one extension", Hello({Extension(0, two_names)}), Kind::kMalformed},
      {"an extension longer than the message", Hello({{0, 0, 0, 9, 1}}), Kind::kMalformed},
      {"another handshake message", {22, 3, 1, 0, 4, 2, 0, 0, 0}, Kind::kMalformed},
      {"an empty record", {22, 3, 1, 0, 0}, Kind::kMalformed},
      {"another record within", {22, 3, 1, 0, 1, 1, 23, 3, 1, 0, 1, 0}, Kind::kMalformed},
      {"a record of 64 KiB", {22, 3, 1, 255, 255}, Kind::kMalformed},
      {"text", {'G', 'E', 'T'}, Kind::kNotTls},
      {"SSL 2", {0x80, 0x2e, 1}, Kind::kNotTls},
  };
  for (const auto& c : kCases) EXPECT_EQ(ReadClientHello(c.bytes).kind, c.want) << c.sentence;
}

TEST(ClientHello, IsBounded) {
  const Bytes bytes = Hello({Bytes(Extension(21, Bytes(60000)))});
  EXPECT_EQ(ReadClientHello(bytes).kind, Kind::kMalformed);
}

TEST(ClientHello, AnyBytesAreReadInBounds) {
  std::mt19937 random(2);
  const Bytes good = Hello({Sni("a.example.test"), Extension(16, Bytes(40))}, 60);
  for (int round = 0; round < 100000; ++round) {
    Bytes bytes = good;
    for (unsigned i = 0; i < random() % 6; ++i)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    bytes.resize(random() % (bytes.size() + 1));
    const ClientHello hello = ReadClientHello(bytes);
    EXPECT_EQ(hello.kind == Kind::kNamed, hello.host.has_value() && hello.kind != Kind::kMalformed);
  }
}

}  // namespace
}  // namespace bailey::network
