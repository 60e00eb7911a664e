#include "network/dns.h"

#include <arpa/nameser.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <resolv.h>

#include <array>
#include <random>

namespace bailey::network {
namespace {

using Bytes = std::vector<std::uint8_t>;

// The query that libc's resolver writes.
Bytes Query(const char* name, int type, int kind = C_IN) {
  std::array<std::uint8_t, 512> buffer{};
  const int size = ::res_mkquery(QUERY, name, kind, type, nullptr, 0, nullptr, buffer.data(),
                                 static_cast<int>(buffer.size()));
  EXPECT_GT(size, 0) << name;
  return {buffer.begin(), buffer.begin() + size};
}

TEST(Dns, ReadsWhatLibcWrites) {
  using Kind = DnsQuestion::Kind;
  const struct {
    const char* name;
    int type;
    Kind kind;
    const char* host;
  } kCases[] = {
      {"Example.ORG", T_A, Kind::kAddress4, "example.org"},
      {"example.org", T_AAAA, Kind::kAddress6, "example.org"},
      {"example.org", 65, Kind::kOtherType, "example.org"},
      {"example.org", T_MX, Kind::kOtherType, "example.org"},
      {"b\xc3\xbc.test", T_A, Kind::kNoName, ""},
      {"a b.test", T_A, Kind::kNoName, ""},
      {"1.2.3.4", T_A, Kind::kNoName, ""},
  };
  for (const auto& c : kCases) {
    const auto read = ReadDns(Query(c.name, c.type));
    ASSERT_EQ(read.kind, DnsRead::Kind::kQuery) << c.name;
    EXPECT_EQ(read.query.question.kind, c.kind) << c.name;
    EXPECT_EQ(read.query.question.host ? read.query.question.host->Text() : "", c.host);
    EXPECT_TRUE(read.query.recursion_desired);
  }
}

TEST(Dns, ReadsPointers) {
  const struct {
    const char *name, *address;
  } kCases[] = {
      {"4.3.2.1.in-addr.arpa", "1.2.3.4"},
      {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.5.e.7.e.1.1.a.b.0.d.f.ip6.arpa",
       "fd0b:a11e:7e57::1"},
  };
  for (const auto& c : kCases) {
    const auto read = ReadDns(Query(c.name, T_PTR));
    EXPECT_EQ(read.query.question.kind, DnsQuestion::Kind::kPointer);
    EXPECT_EQ(read.query.question.address, base::ParseAddress(c.address)) << c.name;
  }
  for (const char* name : {"3.2.1.in-addr.arpa", "256.3.2.1.in-addr.arpa", "x.ip6.arpa"})
    EXPECT_EQ(ReadDns(Query(name, T_PTR)).query.question.address, std::nullopt) << name;
}

TEST(Dns, RefusesOddMessages) {
  const Bytes good = Query("a.test", T_A);
  const auto kind = [](Bytes bytes) { return ReadDns(bytes).kind; };
  using Kind = DnsRead::Kind;
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(kind(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))),
              size < 12 ? Kind::kSilence : Kind::kFormatError);
  }
  Bytes answer = good;
  answer[2] |= 0x80;
  EXPECT_EQ(kind(answer), Kind::kSilence) << "answers to answers would never end";
  Bytes update = good;
  update[2] |= 0x28;
  EXPECT_EQ(kind(update), Kind::kNotImplemented);
  Bytes two = good;
  two[5] = 2;
  EXPECT_EQ(kind(two), Kind::kFormatError);
  Bytes pointer = good;
  pointer[12] = 0xc0;
  EXPECT_EQ(kind(pointer), Kind::kFormatError);
  EXPECT_EQ(kind(Query("a.test", T_A, C_CHAOS)), Kind::kNotImplemented);
  Bytes dotted = {0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'a', '.', 'b', 0, 0, 1, 0, 1};
  EXPECT_EQ(ReadDns(dotted).query.question.kind, DnsQuestion::Kind::kNoName);
  Bytes zero = {0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'a', 0, 'b', 0, 0, 1, 0, 1};
  EXPECT_EQ(ReadDns(zero).query.question.kind, DnsQuestion::Kind::kNoName);
}

TEST(Dns, LibcReadsTheAnswers) {
  std::vector<Bytes> kept;  // what is parsed refers to them
  const auto parse = [&kept](const char* name, int type, const DnsAnswer& answer) {
    kept.push_back(WriteDns(ReadDns(Query(name, type)).query, answer));
    const Bytes& bytes = kept.back();
    ns_msg message;
    EXPECT_EQ(::ns_initparse(bytes.data(), static_cast<int>(bytes.size()), &message), 0);
    return message;
  };
  using Kind = DnsAnswer::Kind;
  ns_msg found = parse("a.test", T_AAAA, {Kind::kAddress, base::ParseAddress("2001:db8::1"), {}});
  ns_rr record;
  ASSERT_EQ(::ns_parserr(&found, ns_s_an, 0, &record), 0);
  EXPECT_EQ(ns_rr_type(record), T_AAAA);
  EXPECT_EQ(ns_rr_rdlen(record), 16);
  EXPECT_STREQ(ns_rr_name(record), "a.test");

  ns_msg none = parse("b.test", T_A, {Kind::kNoSuchName, {}, {}});
  EXPECT_EQ(ns_msg_getflag(none, ns_f_rcode), ns_r_nxdomain);
  ASSERT_EQ(::ns_parserr(&none, ns_s_ns, 0, &record), 0);
  EXPECT_EQ(ns_rr_type(record), T_SOA);

  ns_msg empty = parse("c.test", 65, {Kind::kEmpty, {}, {}});
  EXPECT_EQ(ns_msg_getflag(empty, ns_f_rcode), ns_r_noerror);
  EXPECT_EQ(ns_msg_count(empty, ns_s_an), 0);
  ASSERT_EQ(::ns_parserr(&empty, ns_s_ns, 0, &record), 0);

  ns_msg pointer =
      parse("4.3.2.1.in-addr.arpa", T_PTR, {Kind::kPointer, {}, egress::Host::Parse("x.test")});
  ASSERT_EQ(::ns_parserr(&pointer, ns_s_an, 0, &record), 0);
  std::array<char, 256> name{};
  EXPECT_GT(::ns_name_uncompress(ns_msg_base(pointer), ns_msg_end(pointer), ns_rr_rdata(record),
                                 name.data(), name.size()),
            0);
  EXPECT_STREQ(name.data(), "x.test");
}

TEST(Dns, AnyBytesAreReadInBounds) {
  std::mt19937 random(5);
  const Bytes good = Query("a.example.test", T_A);
  for (int round = 0; round < 100000; ++round) {
    Bytes bytes = good;
    for (unsigned i = 0; i < random() % 8; ++i)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    bytes.resize(random() % (bytes.size() + 1));
    const auto read = ReadDns(bytes);
    if (read.kind != DnsRead::Kind::kQuery) continue;
    EXPECT_EQ(ReadDns(WriteDns(read.query, {})).kind, DnsRead::Kind::kSilence);
  }
}

}  // namespace
}  // namespace bailey::network
