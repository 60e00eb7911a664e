#include "policy/widening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bailey::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Widening, SaysWhatIsGrantedBeyond) {
  Policy usual;
  usual.filesystem.read = {"/usr"};
  usual.filesystem.write = {"/w"};
  usual.filesystem.hide = {"/w/.env"};
  usual.limits.memory = 1 << 20;
  EXPECT_THAT(Widening(usual, usual), IsEmpty());

  Policy other = usual;
  other.filesystem.read = {"/usr/lib", "/w/src", "/usr2", "/etc\n"};
  other.filesystem.write = {"/w/build", "/"};
  other.filesystem.hide = {};
  other.filesystem.binds = {{"/srv", "/data", true}};
  other.filesystem.sockets = {"/run/bus"};
  other.filesystem.devices = {"kvm"};
  other.network.mode = NetworkMode::kHost;
  other.process.capabilities = {"CAP_SYS_ADMIN"};
  other.environment.pass = {"TOKEN"};
  other.limits.memory.reset();
  other.syscalls.default_action = {abi::ActionKind::kAllow, "", 0};
  EXPECT_THAT(
      Widening(usual, other),
      ElementsAre("writes /", "reads /usr2", "reads /etc\\n", "writes /srv as /data",
                  "does not hide /w/.env", "connects to /run/bus", "has the device kvm",
                  "network host instead of none", "has the capability CAP_SYS_ADMIN",
                  "gets the variable TOKEN", "memory: no limit", "system calls by other rules"));
}

TEST(Widening, LessIsNoMore) {
  Policy usual, other;
  usual.filesystem.read = {"/"};
  usual.network.mode = NetworkMode::kHost;
  other.filesystem.read = {"/usr"};
  other.limits.memory = 1;
  EXPECT_THAT(Widening(usual, other), IsEmpty());
}

}  // namespace
}  // namespace bailey::policy
