#include "base/address.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace bailey::base {
namespace {

TEST(Address, ReadsAndWrites) {
  const struct {
    const char *text, *want;  // nullptr: refused
  } kCases[] = {
      {"1.2.3.4", "1.2.3.4"},
      {"255.255.255.255", "255.255.255.255"},
      {"1.2.3", nullptr},
      {"1.2.3.4.5", nullptr},
      {"1.2.3.4.", nullptr},
      {"1.2.3.256", nullptr},
      {"01.2.3.4", nullptr},
      {"0x1.2.3.4", nullptr},
      {"1.2.3. 4", nullptr},
      {"", nullptr},
      {"::1", "::1"},
      {"2001:DB8:0:0::0:1", "2001:db8::1"},
      {"::ffff:10.1.2.3", "10.1.2.3"},
      {"::ffff:a01:203", "10.1.2.3"},
      {"fe80::1%lo", nullptr},
      {"[::1]", nullptr},
      {":::", nullptr},
      {"1:2:3:4:5:6:7:8:9", nullptr},
  };
  for (const auto& c : kCases) {
    const auto address = ParseAddress(c.text);
    ASSERT_EQ(address.has_value(), c.want != nullptr) << c.text;
    EXPECT_EQ(address ? ToString(*address) : "", c.want ? c.want : "") << c.text;
  }
  EXPECT_FALSE(ParseAddress(std::string_view("::1\0", 4)));
}

TEST(AddressRange, ReadsAndWrites) {
  const struct {
    const char *text, *want, *last;
  } kCases[] = {
      {"10.0.0.0/8", "10.0.0.0/8", "10.255.255.255"},
      {"10.0.0.1", "10.0.0.1", "10.0.0.1"},
      {"0.0.0.0/0", "0.0.0.0/0", "255.255.255.255"},
      {"10.0.0.1/8", nullptr, nullptr},
      {"10.0.0.0/33", nullptr, nullptr},
      {"10.0.0.0/08", nullptr, nullptr},
      {"10.0.0.0/", nullptr, nullptr},
      {"2001:db8::/33", "2001:db8::/33", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"},
      {"2001:db8::1/33", nullptr, nullptr},
      {"::ffff:10.0.0.0/104", nullptr, nullptr},
  };
  for (const auto& c : kCases) {
    const auto range = ParseRange(c.text);
    ASSERT_EQ(range.has_value(), c.want != nullptr) << c.text;
    if (!range) continue;
    EXPECT_EQ(ToString(*range), c.want);
    EXPECT_EQ(ToString(range->Last()), c.last);
  }
}

TEST(AddressRange, HoldsFromFirstToLast) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    const bool v6 = random() % 2 != 0;
    std::vector<std::uint8_t> bytes(v6 ? 16 : 4);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    bytes[0] |= 1;  // no mapped address
    const unsigned length = static_cast<unsigned>(random() % (bytes.size() * 8 + 1));
    for (std::size_t bit = length; bit < bytes.size() * 8; ++bit)
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80u >> (bit % 8)));
    const AddressRange range{*Address::FromBytes(bytes), length};
    EXPECT_TRUE(range.Contains(range.first)) << ToString(range);
    EXPECT_TRUE(range.Contains(range.Last())) << ToString(range);
    if (length == 0) continue;
    EXPECT_FALSE(range.Contains(range.Last().Plus(1))) << ToString(range);
    EXPECT_EQ(ParseRange(ToString(range)), range);
  }
}

TEST(Endpoint, Writes) {
  EXPECT_EQ(ToString(Endpoint{Address::V4(1, 2, 3, 4), 80}), "1.2.3.4:80");
  EXPECT_EQ(ToString(Endpoint{*ParseAddress("::1"), 80}), "[::1]:80");
}

}  // namespace
}  // namespace bailey::base
