#include "audit/netlink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "abi/syscalls.h"

namespace bailey::audit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kRoute = kNetlinkRoute, kSockDiag = kNetlinkSockDiag, kXfrm = kNetlinkXfrm,
              kNetfilter = kNetlinkNetfilter, kGeneric = 16;
constexpr std::uint16_t kRequest = 1;

// A program's memory, and what writes into it.
class Program {
 public:
  // The address of these bytes.
  std::uint64_t Put(const std::string& bytes) {
    const std::uint64_t at = next_;
    parts_[at] = bytes;
    next_ += bytes.size() + 4096;  // nothing is there behind it
    return at;
  }
  std::uint64_t PutWords(unsigned bytes, const std::vector<std::uint64_t>& words) {
    std::string text;
    for (const std::uint64_t word : words) text.append(reinterpret_cast<const char*>(&word), bytes);
    return Put(text);
  }
  Memory Reader() const {
    return [this](std::uint64_t address, std::size_t most) -> std::optional<std::string> {
      EXPECT_LE(most, 4096u);
      auto part = parts_.upper_bound(address);
      if (part == parts_.begin()) return std::nullopt;
      --part;
      const std::uint64_t offset = address - part->first;
      if (offset >= part->second.size()) return std::nullopt;
      return part->second.substr(offset, most);
    };
  }

 private:
  std::map<std::uint64_t, std::string> parts_;
  std::uint64_t next_ = 0x10000;
};

std::string Said(std::uint16_t type, std::uint16_t flags = kRequest, std::uint32_t size = 20) {
  std::string bytes(size < 16 ? 16 : (size + 3) & ~3u, '\0');
  std::memcpy(bytes.data(), &size, 4);
  std::memcpy(bytes.data() + 4, &type, 2);
  std::memcpy(bytes.data() + 6, &flags, 2);
  return bytes;
}

std::vector<std::string> ChangesOf(int protocol, const std::string& bytes) {
  Program program;
  const Send send = {3, abi::SendForm::kBytes, program.Put(bytes), bytes.size(), 8};
  return NetlinkChanges(send, protocol, program.Reader());
}

TEST(Netlink, TellsWhatAsksFromWhatChanges) {
  const struct {
    int protocol;
    std::uint16_t type;
    const char* want;  // empty: nothing
  } kCases[] = {
      {kRoute, 16, "RTM_NEWLINK"},
      {kRoute, 17, "RTM_DELLINK"},
      {kRoute, 18, ""},  // RTM_GETLINK
      {kRoute, 19, "RTM_SETLINK"},
      {kRoute, 20, "RTM_NEWADDR"},
      {kRoute, 21, "RTM_DELADDR"},
      {kRoute, 22, ""},
      {kRoute, 24, "RTM_NEWROUTE"},
      {kRoute, 25, "RTM_DELROUTE"},
      {kRoute, 26, ""},
      {kRoute, 28, "RTM_NEWNEIGH"},
      {kRoute, 32, "RTM_NEWRULE"},
      {kRoute, 36, "RTM_NEWQDISC"},
      {kRoute, 44, "RTM_NEWTFILTER"},
      {kRoute, 67, "RTM_SETNEIGHTBL"},
      {kRoute, 72, "RTM_NEWADDRLABEL"},
      {kRoute, 80, "RTM_NEWNETCONF"},
      {kRoute, 104, "RTM_NEWNEXTHOP"},
      {kRoute, 121, "RTM_DELTUNNEL"},
      {kRoute, 124, "NETLINK_ROUTE 0x7c"},
      {kRoute, 126, ""},
      {kRoute, 3, ""},  // NLMSG_DONE
      {kSockDiag, 20, ""},
      {kSockDiag, 21, "SOCK_DESTROY"},
      {kXfrm, 16, "NETLINK_XFRM 0x10"},
      {kNetfilter, 0xa00, "NETLINK_NETFILTER 0xa00"},
      {kGeneric, 24, ""},
  };
  for (const auto& one : kCases) {
    std::vector<std::string> want;
    if (*one.want) want.push_back(one.want);
    EXPECT_EQ(ChangesOf(one.protocol, Said(one.type)), want) << one.protocol << " " << one.type;
  }
}

TEST(Netlink, GoesFromMessageToMessageAsTheKernelDoes) {
  const struct {
    const char* sentence;
    std::string bytes;
    std::vector<std::string> want;
  } kCases[] = {
      {"two, the second behind padding", Said(26, kRequest, 17) + Said(24), {"RTM_NEWROUTE"}},
      {"the same twice", Said(24) + Said(25) + Said(24), {"RTM_NEWROUTE", "RTM_DELROUTE"}},
      {"no request", Said(24, 0), {}},
      {"a length that is none", Said(24, kRequest, 15), {}},
      {"after a length that is none", Said(26, kRequest, 0) + Said(24), {}},
      {"a length beyond the end", Said(26, kRequest, 4000).substr(0, 20) + Said(24), {}},
      {"cut off in the head", Said(24).substr(0, 15), {}},
      {"nothing", "", {}},
  };
  for (const auto& one : kCases) EXPECT_EQ(ChangesOf(kRoute, one.bytes), one.want) << one.sentence;
}

TEST(Netlink, SaysWhereItReadsNoFurther) {
  std::string kinds;
  for (std::uint16_t i = 0; i < 9; ++i) kinds += Said(static_cast<std::uint16_t>(16 + 4 * i));
  const auto told = ChangesOf(kRoute, kinds);
  ASSERT_EQ(told.size(), 9u);
  EXPECT_EQ(told[7], "RTM_NEWTFILTER");
  EXPECT_EQ(told[8], "more than is read");
  std::string many;
  for (int i = 0; i < 64; ++i) many += Said(26);
  EXPECT_THAT(ChangesOf(kRoute, many), IsEmpty());
  EXPECT_THAT(ChangesOf(kRoute, many + Said(24)), ElementsAre("more than is read"));

  Program program;
  std::vector<std::uint64_t> pieces(2 * 65, 0);
  const std::uint64_t message =
      program.PutWords(8, {0, 0, program.PutWords(8, pieces), 65, 0, 0, 0});
  const Send send = {3, abi::SendForm::kMessage, message, 0, 8};
  EXPECT_THAT(NetlinkChanges(send, kRoute, program.Reader()), ElementsAre("more than is read"));
  const Send all = {3, abi::SendForm::kMessages, message, 17, 8};
  EXPECT_THAT(NetlinkChanges(all, kRoute, program.Reader()), ElementsAre("more than is read"));
}

TEST(Netlink, AMessageMayLieInPieces) {
  for (const unsigned bytes : {8u, 4u}) {
    Program program;
    const std::string said = Said(26) + Said(24);
    std::vector<std::uint64_t> pieces;
    for (const auto& [begin, size] : {std::pair(0, 5), {5, 0}, {5, 17}, {22, 18}}) {
      pieces.push_back(program.Put(said.substr(begin, size) + "x"));
      pieces.push_back(static_cast<std::uint64_t>(size));
    }
    const std::uint64_t vector = program.PutWords(bytes, pieces);
    const std::uint64_t message = program.PutWords(bytes, {0, 0, vector, 4, 0, 0, 0});
    const Send send = {3, abi::SendForm::kMessage, message, 0, bytes};
    EXPECT_THAT(NetlinkChanges(send, kRoute, program.Reader()), ElementsAre("RTM_NEWROUTE"));
    // The second of two, behind struct mmsghdr's length.
    std::vector<std::uint64_t> messages(2 * 8, 0);
    messages[8 + 2] = vector;
    messages[8 + 3] = 4;
    const Send two = {3, abi::SendForm::kMessages, program.PutWords(bytes, messages), 2, bytes};
    EXPECT_THAT(NetlinkChanges(two, kRoute, program.Reader()), ElementsAre("RTM_NEWROUTE"));
    const Send one = {3, abi::SendForm::kMessages, two.address, 1, bytes};
    EXPECT_THAT(NetlinkChanges(one, kRoute, program.Reader()), IsEmpty());
  }
}

TEST(Netlink, MemoryThatIsNotThereSaysNothing) {
  const Memory nothing = [](std::uint64_t, std::size_t) { return std::optional<std::string>(); };
  for (const abi::SendForm form :
       {abi::SendForm::kBytes, abi::SendForm::kMessage, abi::SendForm::kMessages})
    EXPECT_THAT(NetlinkChanges({3, form, 0x1000, 2, 8}, kRoute, nothing), IsEmpty());
}

bpf::SeccompData CallOf(abi::Arch arch, std::string_view name, std::array<std::uint64_t, 6> args) {
  return {*abi::Number(arch, name), abi::Info(arch).token, 0, args};
}

TEST(Netlink, KnowsWhichSocketACallSendsOn) {
  Program program;
  const auto arguments = program.PutWords(4, {7, 0x8000, 20, 0});
  const Memory memory = program.Reader();
  using abi::Arch;
  using abi::SendForm;
  EXPECT_EQ(SendOf(CallOf(Arch::kX86_64, "sendto", {0xffffffff00000003, 0x1000, 20}), memory),
            (Send{3, SendForm::kBytes, 0x1000, 20, 8}));
  EXPECT_EQ(SendOf(CallOf(Arch::kI386, "sendmsg", {3, 0x1000}), memory),
            (Send{3, SendForm::kMessage, 0x1000, 0, 4}));
  EXPECT_EQ(SendOf(CallOf(Arch::kX32, "sendmmsg", {3, 0x1000, 2}), memory),
            (Send{3, SendForm::kMessages, 0x1000, 2, 4}));
  const struct {
    std::uint64_t selector;
    std::optional<SendForm> want;
  } kCases[] = {{1, std::nullopt},         {9, SendForm::kBytes},    {10, std::nullopt},
                {11, SendForm::kBytes},    {16, SendForm::kMessage}, {17, std::nullopt},
                {20, SendForm::kMessages}, {99, std::nullopt}};
  for (const auto& one : kCases) {
    const auto send = SendOf(CallOf(Arch::kI386, "socketcall", {one.selector, arguments}), memory);
    ASSERT_EQ(send.has_value(), one.want.has_value()) << one.selector;
    if (send) {
      EXPECT_EQ(*send, (Send{7, *one.want, 0x8000, 20, 4}));
    }
  }
  EXPECT_FALSE(SendOf(CallOf(Arch::kI386, "socketcall", {9, 0x10}), memory));
  EXPECT_FALSE(SendOf(CallOf(Arch::kX86_64, "write", {3, 0x1000, 20}), memory));
}

}  // namespace
}  // namespace bailey::audit
