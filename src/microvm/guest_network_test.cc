// The outer end of a machine's network, with frames as a guest that broke its kernel would send
// them. A TAP takes /dev/net/tun, and a namespace somebody who may make one.
#include "microvm/guest_network.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>

#include "os/inet.h"
#include "os/loopback.h"
#include "policy/policy.h"

namespace bailey::microvm {
namespace {

using Frame = std::vector<std::uint8_t>;

void Append(Frame& frame, std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) frame.push_back(byte);
}

void Append(Frame& frame, std::initializer_list<int> bytes) {
  for (const int byte : bytes) frame.push_back(static_cast<std::uint8_t>(byte));
}

std::uint16_t Sum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += bytes[i] << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

struct Options {
  std::array<std::uint8_t, 6> link = kGuestLink;
  std::uint8_t from = 3;  // of 198.18.0.x
  std::array<std::uint8_t, 4> to = {198, 18, 0, 1};
  std::uint16_t fragment = 0;
  std::uint16_t type = 0x0800;
};

// A question for the address of gateway.bailey, in UDP from port 4000 to 53.
Frame Question(const Options& options) {
  Frame frame;
  Append(frame, kOuterLink);
  Append(frame, options.link);
  Append(frame, {options.type >> 8, options.type & 0xff});
  Frame dns;
  Append(dns, {'b', 'y', 1,   0,   0, 1,   0,   0,   0,   0,   0,   0, 7, 'g', 'a', 't',
               'e', 'w', 'a', 'y', 6, 'b', 'a', 'i', 'l', 'e', 'y', 0, 0, 1,   0,   1});
  Frame ip;
  const auto size = static_cast<int>(28 + dns.size());
  Append(ip, {0x45,
              0,
              0,
              size,
              0,
              1,
              options.fragment >> 8,
              options.fragment & 0xff,
              64,
              17,
              0,
              0,
              198,
              18,
              0,
              options.from,
              options.to[0],
              options.to[1],
              options.to[2],
              options.to[3]});
  const std::uint16_t sum = Sum(ip);
  ip[10] = static_cast<std::uint8_t>(sum >> 8);
  ip[11] = static_cast<std::uint8_t>(sum);
  Append(frame, ip);
  Append(frame, {4000 >> 8, 4000 & 0xff, 0, 53, 0, size - 20, 0, 0});
  Append(frame, dns);
  return frame;
}

// Who has 198.18.0.1?
Frame ArpRequest() {
  Frame frame(6, 0xff);
  Append(frame, kGuestLink);
  Append(frame, {8, 6, 0, 1, 8, 0, 6, 4, 0, 1});
  Append(frame, kGuestLink);
  Append(frame, {198, 18, 0, 3, 0, 0, 0, 0, 0, 0, 198, 18, 0, 1});
  frame.resize(60);
  return frame;
}

// TCP's first packet to an address.
Frame Syn(std::array<std::uint8_t, 4> to, int port) {
  Frame frame;
  Append(frame, kOuterLink);
  Append(frame, kGuestLink);
  Append(frame, {8, 0});
  Frame ip;
  Append(ip, {0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 198, 18, 0, 3, to[0], to[1], to[2], to[3]});
  const std::uint16_t sum = Sum(ip);
  ip[10] = static_cast<std::uint8_t>(sum >> 8);
  ip[11] = static_cast<std::uint8_t>(sum);
  Frame tcp;
  Append(tcp, {15, 160, port >> 8, port & 0xff, 0,    0,    0, 1, 0, 0,
               0,  0,   0x50,      2,           0xff, 0xff, 0, 0, 0, 0});
  Frame pseudo;
  Append(pseudo, std::span(ip).subspan(12));
  Append(pseudo, {0, 6, 0, 20});
  Append(pseudo, tcp);
  const std::uint16_t check = Sum(pseudo);
  tcp[16] = static_cast<std::uint8_t>(check >> 8);
  tcp[17] = static_cast<std::uint8_t>(check);
  Append(frame, ip);
  Append(frame, tcp);
  return frame;
}

using Address6 = std::array<std::uint8_t, 16>;

struct Options6 {
  Address6 to = {};
  Address6 from = Bytes6(kGuestAddress6);
  std::array<std::uint8_t, 6> link = kGuestLink;
  std::uint8_t next = 6;  // what the header says comes next
  std::uint16_t port = 80;
  static Address6 Bytes6(const base::Address& address) {
    Address6 bytes = {};
    std::ranges::copy(address.Bytes(), bytes.begin());
    return bytes;
  }
};

// TCP's first packet, in IPv6; behind a header that says nothing where another one comes next.
Frame Syn6(const Options6& options) {
  Frame tcp;
  Append(tcp, {15,
               160,
               options.port >> 8,
               options.port & 0xff,
               0,
               0,
               0,
               1,
               0,
               0,
               0,
               0,
               0x50,
               2,
               0xff,
               0xff,
               0,
               0,
               0,
               0});
  Frame pseudo;
  Append(pseudo, options.from);
  Append(pseudo, options.to);
  Append(pseudo, {0, 0, 0, 20, 0, 0, 0, 6});
  Append(pseudo, tcp);
  const std::uint16_t check = Sum(pseudo);
  tcp[16] = static_cast<std::uint8_t>(check >> 8);
  tcp[17] = static_cast<std::uint8_t>(check);
  Frame extension;
  if (options.next != 6) Append(extension, {6, 0, 0, 0, 0, 0, 0, 0});
  Frame frame;
  Append(frame, kOuterLink);
  Append(frame, options.link);
  Append(frame,
         {0x86, 0xdd, 0x60, 0, 0, 0, 0, static_cast<int>(20 + extension.size()), options.next, 64});
  Append(frame, options.from);
  Append(frame, options.to);
  Append(frame, extension);
  Append(frame, tcp);
  return frame;
}

class TapTest : public ::testing::Test {
 protected:
  void SetUp() override {
    policy::Network policy;
    policy.mode = policy::NetworkMode::kAllow;
    policy.listen = {Listens()};
    auto made =
        GuestNetwork::Make(PlanGuestNetwork(policy), "/bin/false",
                           GuestNetwork::Taken::kAsDescriptor, [](const network::Decision&) {});
    if (!made && made.error().text.find("/dev/net/tun") != std::string::npos)
      GTEST_SKIP() << made.error().text;
    ASSERT_TRUE(made) << made.error().text;
    network_ = *std::move(made);
    if (network_->IsStream()) GTEST_SKIP() << "/dev/net/tun cannot be used here";
  }
  // A port of the host that nobody has; with luck, nobody takes it meanwhile.
  std::uint16_t Listens() {
    auto free = os::ListenOnLoopback();
    EXPECT_TRUE(free);
    port_ = free->port;
    return port_;
  }
  // The first frame that comes back; nothing when there is none for a while.
  std::optional<Frame> Answer(const Frame& frame, int milliseconds) {
    if (::write(network_->Link(), frame.data(), frame.size()) < 0) return Frame();
    return Next(milliseconds);
  }
  std::optional<Frame> Next(int milliseconds) {
    for (;;) {
      pollfd wait = {network_->Link(), POLLIN, 0};
      if (::poll(&wait, 1, milliseconds) != 1) return std::nullopt;
      Frame answer(2048);
      const ssize_t size = ::read(network_->Link(), answer.data(), answer.size());
      if (size < 34) continue;
      answer.resize(static_cast<std::size_t>(size));
      return answer;
    }
  }
  std::unique_ptr<GuestNetwork> network_;
  std::uint16_t port_ = 0;
};

constexpr int kLong = 20'000, kShort = 300;

TEST_F(TapTest, TheGuestIsAnsweredAndNobodyElse) {
  const auto answer = Answer(Question({}), kLong);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(std::equal(kGuestLink.begin(), kGuestLink.end(), answer->begin()));
  EXPECT_EQ((*answer)[23], 17);
  EXPECT_EQ(Frame(answer->end() - 4, answer->end()), (Frame{198, 18, 0, 2}));
  auto other_link = kGuestLink;
  other_link[5] = 9;
  const std::pair<const char*, Frame> silent[] = {
      {"another link address", Question({.link = other_link})},
      {"another address", Question({.from = 4})},
      {"the gateway's address", Question({.from = 1})},
      {"the first part of a packet", Question({.fragment = 0x2000})},
      {"a later part of a packet", Question({.fragment = 1})},
      {"IPv6 by its type", Question({.type = 0x86dd})},
      {"ARP", ArpRequest()},
      {"UDP to an address that nothing allows", Question({.to = {192, 0, 2, 1}})},
      {"a metadata service", Question({.to = {169, 254, 169, 254}})},
      {"the loopback network", Question({.to = {127, 0, 0, 1}})},
      {"everybody", Question({.to = {255, 255, 255, 255}})},
  };
  for (const auto& [what, frame] : silent) EXPECT_FALSE(Answer(frame, kShort)) << what;
  // And still.
  EXPECT_TRUE(Answer(Question({}), kLong));
}

TEST_F(TapTest, AConnectionThatNothingAllowsIsReset) {
  for (const std::array<std::uint8_t, 4> to :
       {std::array<std::uint8_t, 4>{192, 0, 2, 1}, {10, 0, 0, 1}, {169, 254, 169, 254}}) {
    const auto answer = Answer(Syn(to, 80), kLong);
    ASSERT_TRUE(answer && answer->size() >= 48);
    EXPECT_EQ((*answer)[23], 6);
    EXPECT_EQ((*answer)[47] & 0x04, 0x04) << "no reset";
  }
  const auto answer = Answer(Syn({198, 18, 0, 2}, 1), kLong);
  ASSERT_TRUE(answer && answer->size() >= 48);
  EXPECT_EQ((*answer)[47] & 0x12, 0x12) << "the gateway's own answers";
}

TEST_F(TapTest, TheGuestIsAnsweredOverIpv6AndNobodyElse) {
  const Address6 probe = Options6::Bytes6(network::kProbe6);
  const auto is_reset = [&](const Options6& options) {
    const auto answer = Answer(Syn6(options), kLong);
    return answer && answer->size() >= 68 && ((*answer)[67] & 0x04) != 0;
  };
  for (const char* to : {"2001:db8::1", "fd0b:a11e:7e57::4", "fe80::1", "::ffff:169.254.169.254"})
    EXPECT_TRUE(is_reset({.to = Options6::Bytes6(*base::ParseAddress(to))})) << to;
  auto other_link = kGuestLink;
  other_link[5] = 9;
  const auto from = [&](const char* address) {
    return Syn6({.to = probe, .from = Options6::Bytes6(*base::ParseAddress(address)), .port = 1});
  };
  const std::pair<const char*, Frame> silent[] = {
      {"another link address", Syn6({.to = probe, .link = other_link, .port = 1})},
      {"another address", from("fd0b:a11e:7e57::4")},
      {"the gateway's address", from("fd0b:a11e:7e57::1")},
      {"the link's own address", from("fe80::bf:11ff:fee7:2")},
      {"nobody", from("::")},
      {"options ahead of it", Syn6({.to = probe, .next = 0, .port = 1})},
      {"a route of its own", Syn6({.to = probe, .next = 43, .port = 1})},
      {"a part of a packet", Syn6({.to = probe, .next = 44, .port = 1})},
      {"ICMPv6", Syn6({.to = probe, .next = 58, .port = 1})},
  };
  for (const auto& [what, frame] : silent) EXPECT_FALSE(Answer(frame, kShort)) << what;
  // The last, as what is answered so is answered again after a while.
  const auto answer = Answer(Syn6({.to = probe, .port = network::kProbePort}), kLong);
  ASSERT_TRUE(answer && answer->size() >= 68);
  EXPECT_EQ((Frame{(*answer)[12], (*answer)[13]}), (Frame{0x86, 0xdd}));
  EXPECT_EQ((*answer)[67] & 0x12, 0x12) << "the gateway's own answers";
}

TEST_F(TapTest, APortOfTheHostLeadsToTheGuestsAddress) {
  // First, as what asks the guest asks again after a while.
  const auto answer = Answer(Syn({198, 18, 0, 3}, port_), kLong);
  ASSERT_TRUE(answer && answer->size() >= 48);
  EXPECT_EQ((*answer)[47] & 0x04, 0x04) << "the guest does not reach itself this way";
  const auto socket = os::Connect(os::Transport::kTcp, {base::Address::V4(127, 0, 0, 1), port_});
  ASSERT_TRUE(socket);
  const auto syn = Next(kLong);
  ASSERT_TRUE(syn && syn->size() >= 48);
  EXPECT_TRUE(std::equal(kGuestLink.begin(), kGuestLink.end(), syn->begin()));
  EXPECT_EQ(Frame(syn->begin() + 26, syn->begin() + 34), (Frame{198, 18, 0, 1, 198, 18, 0, 3}));
  EXPECT_EQ((*syn)[36] << 8 | (*syn)[37], port_);
  EXPECT_EQ((*syn)[47] & 0x12, 0x02);
}

TEST(GuestNetwork, WithoutIpv6ThereIsNoneInAnyRule) {
  policy::Network policy;
  policy.mode = policy::NetworkMode::kAllow;
  const network::Plan with = PlanGuestNetwork(policy), without = PlanGuestNetwork(policy, false);
  EXPECT_EQ(ForGuest(with).has_ipv6, 1);
  EXPECT_EQ(ForGuest(without).has_ipv6, 0);
  EXPECT_NE(os::nft::ToString(IngressTable(true)).find("ip6 saddr"), std::string::npos);
  EXPECT_EQ(os::nft::ToString(IngressTable(false)).find("ip6"), std::string::npos);
  EXPECT_EQ(network::ToString(without).find("ip6"), std::string::npos);
}

}  // namespace
}  // namespace bailey::microvm
