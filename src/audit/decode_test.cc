#include "audit/decode.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/text.h"

namespace bailey::audit {
namespace {

constexpr std::uint32_t kX86_64 = 0xc000003e;
constexpr std::uint32_t kI386 = 0x40000003;

// Memory with these bytes at these addresses, each up to its end.
Memory Holds(std::map<std::uint64_t, std::string> pieces) {
  return [pieces](std::uint64_t address, std::size_t most) -> std::optional<std::string> {
    const auto piece = pieces.upper_bound(address);
    if (piece == pieces.begin()) return std::nullopt;
    const auto& [begin, bytes] = *std::prev(piece);
    if (address - begin >= bytes.size()) return std::nullopt;
    return bytes.substr(address - begin, most);
  };
}

std::string Text(const Call& call) {
  std::string text = call.name + "(";
  for (const Argument& one : call.arguments) {
    if (text.back() != '(') text += ", ";
    text += one.name + "=" + (one.as_seen ? "\"" + one.value + "\"" : one.value);
  }
  return text + ")";
}

std::string Inet(const char* address, std::uint16_t port) {
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &in.sin_addr);
  return {reinterpret_cast<const char*>(&in), sizeof(in)};
}

TEST(Decode, SaysWhatACallAsksFor) {
  const Memory memory = Holds({{0x1000, std::string("/etc/shadow\0rest", 16)},
                               {0x2000, Inet("192.0.2.1", 443)},
                               {0x3000, std::string("\1\0/run/x.sock\0", 14)},
                               {0x4000, std::string("\1\0\0name\0", 8)},
                               {0x5ffe, "ab"},
                               {0x6000, std::string("c\nd\0", 4)}});
  const struct {
    bpf::SeccompData data;
    std::string want;
  } kCases[] = {
      {{.nr = 257, .arch = kX86_64, .args = {0xffffff9c, 0x1000, 0x241, 0644}},
       "openat(dfd=AT_FDCWD, filename=\"/etc/shadow\", flags=O_WRONLY|O_CREAT|O_TRUNC, "
       "mode=0644)"},
      {{.nr = 272, .arch = kX86_64, .args = {0x10000000}}, "unshare(unshare_flags=CLONE_NEWUSER)"},
      {{.nr = 41, .arch = kX86_64, .args = {40, 1, 0}},
       "socket(family=AF_VSOCK, type=SOCK_STREAM, protocol=0)"},
      // The kernel drops the high half of a family.
      {{.nr = 41, .arch = kX86_64, .args = {0x100000010, 3, 0}},
       "socket(family=AF_NETLINK, type=SOCK_RAW, protocol=0)"},
      {{.nr = 41, .arch = kX86_64, .args = {2, 0x80802, 17}},
       "socket(family=AF_INET, type=SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC, protocol=0x11)"},
      {{.nr = 53, .arch = kX86_64, .args = {1, 0x1000f, 0, 0}},
       "socketpair(family=AF_UNIX, type=0xf|0x10000, protocol=0, usockvec=0)"},
      {{.nr = 42, .arch = kX86_64, .args = {3, 0x2000, 16}},
       "connect(fd=3, uservaddr=\"192.0.2.1:443\", addrlen=0x10)"},
      {{.nr = 42, .arch = kX86_64, .args = {3, 0x3000, 110}},
       "connect(fd=3, uservaddr=\"unix:/run/x.sock\", addrlen=0x6e)"},
      {{.nr = 42, .arch = kX86_64, .args = {3, 0x4000, 8}},
       "connect(fd=3, uservaddr=\"unix:@name\", addrlen=8)"},
      {{.nr = 42, .arch = kX86_64, .args = {3, 0x9000, 16}},
       "connect(fd=3, uservaddr=0x9000, addrlen=0x10)"},
      // From one page to the next, with a newline.
      {{.nr = 161, .arch = kX86_64, .args = {0x5ffe}}, "chroot(filename=\"abc\\nd\")"},
      {{.nr = 16, .arch = kX86_64, .args = {0, 0x5412, 0x1000}},
       "ioctl(fd=0, cmd=TIOCSTI, arg=0x1000)"},
      {{.nr = 310, .arch = kI386, .args = {0x10020000}},
       "unshare(unshare_flags=CLONE_NEWNS|CLONE_NEWUSER)"},
      {{.nr = 9999, .arch = kX86_64, .args = {1, 2, 3, 4, 5, 0x10}},
       "(arg0=1, arg1=2, arg2=3, arg3=4, arg4=5, arg5=0x10)"},
  };
  for (const auto& one : kCases) EXPECT_EQ(Text(Decode(one.data, "EPERM", memory)), one.want);
}

TEST(Decode, ReadsNothingWithoutMemory) {
  const bpf::SeccompData data = {.nr = 161, .arch = kX86_64, .args = {0x1000}};
  EXPECT_EQ(Text(Decode(data, "EPERM", {})), "chroot(filename=0x1000)");
}

TEST(Decode, APathThatNeverEndsIsNone) {
  int asked = 0;
  const Memory endless = [&](std::uint64_t, std::size_t most) {
    ++asked;
    return std::optional(std::string(most, 'a'));
  };
  EXPECT_EQ(ReadPath(endless, 0x1800), std::nullopt);
  EXPECT_LE(asked, 3);
}

TEST(Decode, KnowsTheTellingArgument) {
  const struct {
    bpf::SeccompData data;
    std::optional<Telling> want;
  } kCases[] = {
      {{.nr = 41, .arch = kX86_64, .args = {40}}, Telling{0, 40, "family", "AF_VSOCK"}},
      {{.nr = 56, .arch = kX86_64, .args = {0x10000011}},
       Telling{0, 0x10000011, "clone_flags", "CLONE_NEWUSER|0x11"}},
      {{.nr = 16, .arch = kX86_64, .args = {0, 0xffffffff00005412}},
       Telling{1, 0x5412, "cmd", "TIOCSTI"}},
      {{.nr = 165, .arch = kX86_64}, std::nullopt},
      {{.nr = 41, .arch = 0x1234}, std::nullopt},
  };
  for (const auto& one : kCases) EXPECT_EQ(TellingArgument(one.data), one.want) << one.data.nr;
}

}  // namespace
}  // namespace bailey::audit
