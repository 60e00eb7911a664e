#include "network/names.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "egress/special.h"

namespace bailey::network {
namespace {

TEST(NameTable, KeepsWhatItGave) {
  NameTable names;
  std::set<base::Address> given;
  for (std::size_t i = 0; i < NameTable::kMostNames; ++i) {
    const auto host = *egress::Host::Parse(fmt::format("n{}.test", i));
    const auto first = names.Give(host);
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->first);
    for (const base::Address& address : {first->addresses.v4, first->addresses.v6}) {
      EXPECT_TRUE(given.insert(address).second) << base::ToString(address);
      EXPECT_TRUE(egress::kNames4.Contains(address) || egress::kNames6.Contains(address));
      ASSERT_NE(names.Find(address), nullptr);
      EXPECT_EQ(*names.Find(address), host);
    }
    const auto again = names.Give(host);
    EXPECT_FALSE(again->first);
    EXPECT_EQ(again->addresses, first->addresses);
  }
  EXPECT_FALSE(names.Give(*egress::Host::Parse("one.more.test")));
  EXPECT_TRUE(names.Give(*egress::Host::Parse("n7.test"))) << "it is there already";
}

TEST(NameTable, FindsNothingElse) {
  NameTable names;
  (void)names.Give(*egress::Host::Parse("a.test"));
  for (const char* address : {"198.18.0.1", "198.18.1.1", "198.19.255.255", "192.0.2.1",
                              "fd0b:a11e:7e57::1", "fd0b:a11e:7e57::101", "::1"})
    EXPECT_EQ(names.Find(*base::ParseAddress(address)), nullptr) << address;
}

}  // namespace
}  // namespace bailey::network
