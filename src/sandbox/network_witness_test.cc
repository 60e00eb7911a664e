#include "sandbox/network_witness.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <span>
#include <string>

#include "abi/arch.h"
#include "abi/syscalls.h"
#include "base/unique_fd.h"
#include "os/notify.h"
#include "os/task_socket.h"

namespace bailey::sandbox {
namespace {

TEST(NetworkWitness, WhoHasNoPowerIsDenied) {
  const bpf::SeccompData call = {
      *abi::Number(abi::NativeArch(), "sendto"), abi::Info(abi::NativeArch()).token, 0, {3}};
  const audit::Event denied = NetworkChange(call, {"RTM_NEWROUTE"}, false);
  EXPECT_EQ(denied.decision, audit::Decision::kDenied);
  EXPECT_EQ(denied.rule->origin, "[process]: no capability over the network");
  const audit::Event seen = NetworkChange(call, {"RTM_NEWROUTE"}, true);
  EXPECT_EQ(seen.decision, audit::Decision::kSeen);
  EXPECT_FALSE(seen.rule);
  EXPECT_EQ(seen.detail, denied.detail);
}

// This process is the task, and its memory is read as that of any other.
class Witnessed : public testing::Test {
 protected:
  std::optional<audit::Event> Send(int socket, std::uint16_t type) {
    struct {
      std::uint32_t size = 20;
      std::uint16_t type, flags = 1;
      char rest[12] = {};
    } said = {.type = type};
    const bpf::SeccompData call = {
        *abi::Number(abi::NativeArch(), "sendto"),
        abi::Info(abi::NativeArch()).token,
        0,
        {static_cast<std::uint64_t>(socket), reinterpret_cast<std::uint64_t>(&said), sizeof(said)}};
    const audit::Memory memory = [](std::uint64_t address, std::size_t most) {
      std::string bytes(most, '\0');
      const auto size = os::ReadMemory(::getpid(), address, std::span(bytes));
      return size ? std::optional(bytes.substr(0, *size)) : std::nullopt;
    };
    return NoteNetworkChange(call, ::getpid(), memory);
  }
};

TEST_F(Witnessed, NotesAChangeOnANetlinkSocketAlone) {
  const base::UniqueFd route(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
  const base::UniqueFd other(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const base::UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(route.IsOpen() && other.IsOpen() && file.IsOpen());
  const auto event = Send(route.Get(), 24);
  ASSERT_TRUE(event);
  const auto has_power = os::MayChangeNetworks(::getpid());
  ASSERT_TRUE(has_power);
  EXPECT_EQ(event->decision, *has_power ? audit::Decision::kSeen : audit::Decision::kDenied);
  const auto& call = std::get<audit::Call>(event->detail);
  EXPECT_EQ(call.name, "sendto");
  EXPECT_EQ(call.answer, "continue");
  ASSERT_FALSE(call.arguments.empty());
  EXPECT_EQ(call.arguments.back(), (audit::Argument{"message", "RTM_NEWROUTE", true}));
  EXPECT_FALSE(Send(route.Get(), 26));  // RTM_GETROUTE
  EXPECT_FALSE(Send(other.Get(), 24));
  EXPECT_FALSE(Send(file.Get(), 24));
  EXPECT_FALSE(Send(-1, 24));
}

}  // namespace
}  // namespace bailey::sandbox
