// What bailey and the first process of its virtual machines say to each other: frames on a byte
// stream, a u32 with the body's length, a u8 with the type, and the body; all little-endian.
//
//   host   Welcome  version, token, seed, clock             the guest reseeds and sets its clock
//   guest  Hello    version, the same token, its kernel     else the machine is not used
//   host   Argument* Variable* Filter* Grant* Limit* Mount* [Listen Watch* Naming* Sending*]
//          [Network] [Rehearse], Start
//   guest  Started | Failed
//   guest  Called* Denied* Missed*     what the newest filter denies, where Listen has asked for it
//   guest  Used*                       what calls name that may be withheld, where Naming has asked
//   guest  Sent*                       what would change a network, where Sending has asked
//   both   Output <- -> Input (as much as Credit allows), InputEnd, Signal, Window, Ping
//   guest  Ended
//   host   Collect; guest Collected    what was changed lies on the drive for it, as tar
//   host   Forget; guest Forgotten     nothing of the command is left for the next, or for two
//   host   Preload; guest Preloaded    programs and libraries are in memory: for copies
//   host   PowerOff, or closes the stream
//
// Used on both sides, each of which takes the other for hostile: no length is believed, nothing
// grows, and nothing here allocates or calls into a library. Texts are bytes, and point into the
// body that they were read from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "bpf/instruction.h"

namespace bailey::guest {

inline constexpr std::uint16_t kVersion = 7;
// Where the guest listens, of a monitor whose line is vsock.
inline constexpr std::uint32_t kVsockPort = 47633;
inline constexpr std::size_t kHeaderSize = 5;
inline constexpr std::size_t kMostBody = std::size_t{64} << 10;
inline constexpr std::size_t kMostFrame = kHeaderSize + kMostBody;
// How much input the host may send before the guest grants more.
inline constexpr std::uint32_t kFirstCredit = 32 << 10;

enum class FrameType : std::uint8_t {
  kWelcome = 1,
  kArgument,  // a text
  kVariable,  // a text, "NAME=value"
  kFilter,    // struct sock_filter records; the first is attached first
  kGrant,
  kLimit,
  kMount,
  kStart,
  kInput,     // bytes for standard input
  kInputEnd,  // empty
  kSignal,    // a Number
  kWindow,
  kCollect,   // empty
  kPowerOff,  // empty
  kPing,      // empty: answered with kPong
  kForget,
  kListen,
  kWatch,
  kNetwork,
  kPreload,   // a Number: so many MiB at most
  kRehearse,  // empty: nobody waits for this command, which is to do what others will
  kNaming,
  kSending,
  kHello = 64,
  kStarted,  // empty
  kOutput,   // a u8, which is the stream (1 or 2), and bytes
  kCredit,   // a Number: so many more bytes of input
  kEnded,
  kFailed,
  kCollected,
  kPong,       // empty
  kForgotten,  // empty
  kCalled,
  kDenied,
  kMissed,
  kPreloaded,  // empty
  kUsed,
  kSent,
};

struct Frame {
  FrameType type = FrameType::kWelcome;
  std::span<const std::uint8_t> body;
};

using Token = std::array<std::uint8_t, 32>;

struct Welcome {
  std::uint16_t version = kVersion;
  Token token = {};
  Token seed = {};  // for the random generator
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  bool operator==(const Welcome&) const = default;
};
struct Hello {
  std::uint16_t version = kVersion;
  Token token = {};
  std::uint32_t landlock = 0;  // the guest kernel's version of it; 0: none
  std::string_view kernel;     // its release
  bool operator==(const Hello&) const = default;
};
// Landlock rights on what lies at a path, and below.
struct Grant {
  std::uint64_t rights = 0;
  std::string_view path;
  bool operator==(const Grant&) const = default;
};
struct Limit {
  std::uint32_t resource = 0;  // RLIMIT_*
  std::uint64_t value = 0;
  bool operator==(const Limit&) const = default;
};
struct Mount {
  enum class Kind : std::uint8_t {
    kRoot,    // the drive's file system is the root; changes of it are kept in memory
    kShow,    // at `path`, read-only
    kChange,  // at `path`, changes kept in memory until Collect
    kMemory,  // an empty directory of `size` bytes
    kMost = kMemory,
  };
  Kind kind = Kind::kRoot;
  std::uint64_t size = 0;
  std::string_view drive;  // its serial number
  std::string_view path;   // absolute
  std::string_view name;   // kShow: of the one file of the drive that is shown; empty: all of it
  bool operator==(const Mount&) const = default;
};
struct Start {
  std::uint32_t uid = 0, gid = 0;
  std::uint64_t landlock = 0;  // the rights that are taken away but for grants; 0: not applied
  std::uint64_t memory = 0;    // bytes; 0: no limit
  std::uint32_t processes = 0;
  std::uint8_t terminal = 0;  // 1: standard streams are one, of its own
  std::string_view workdir, hostname;
  bool operator==(const Start&) const = default;
};
struct Window {
  std::uint16_t rows = 0, columns = 0;
  bool operator==(const Window&) const = default;
};
struct Number {
  std::uint32_t value = 0;
  bool operator==(const Number&) const = default;
};
// What comes next is prepared for: one command, or two; and where they will be like the last one in
// all but their arguments, their environment and the rate of what is told, all of it.
struct Forget {
  std::uint8_t commands = 1, alike = 0;
  bool operator==(const Forget&) const = default;
};
struct Ended {
  std::uint32_t status = 0;      // as of wait(2)
  std::uint8_t memory_kill = 0;  // 1: the kernel killed something at the limit
  std::uint64_t user_us = 0, system_us = 0, peak_kib = 0;
  bool operator==(const Ended&) const = default;
};
// The steps of the guest in which something can fail.
enum class Step : std::uint8_t {
  kWelcome,
  kCommand,
  kMount,
  kGroup,
  kPipe,
  kFork,
  kTerminal,
  kLimits,
  kSession,
  kWorkdir,
  kIds,
  kNoNewPrivileges,
  kLandlock,
  kCapabilities,
  kSeccomp,
  kExecute,
  kCollect,
  kForget,
  kNetwork,
  kMost = kNetwork,
};
struct Failed {
  Step step = Step::kWelcome;
  std::uint32_t error = 0;  // an errno
  std::string_view object;  // a path, or empty
  bool operator==(const Failed&) const = default;
};
struct Collected {
  std::uint64_t bytes = 0, entries = 0;
  std::uint64_t left = 0;  // sockets, FIFOs and devices, which are not brought back
  bool operator==(const Collected&) const = default;
};

// The newest filter hands what it denies to a listener (abi/notification.h): the guest answers, and
// says which calls these were. All are counted; of single ones it tells so many a second, once
// `burst` are used up.
struct Listen {
  std::uint32_t rate = 0, burst = 0;
  bool operator==(const Listen&) const = default;
};
inline constexpr std::uint8_t kNoSlot = 255;
// What there is to know of a call: the argument that tells calls of one number apart, and those
// that point to something to be shown.
struct Watch {
  std::uint32_t arch = 0, number = 0;
  std::uint8_t low = kNoSlot, high = kNoSlot;  // slots of the telling argument
  std::uint8_t bits = 64;                      // of it, where both are one slot
  std::uint8_t paths = 0;                      // a bit for each slot that holds a path
  std::uint8_t address = kNoSlot;              // the slot of a socket's address,
  std::uint8_t size = kNoSlot;                 // and of its size
  bool operator==(const Watch&) const = default;
};
// An argument of a call that the newest filter lets go on, and that names a file.
struct Naming {
  std::uint32_t arch = 0, number = 0;
  std::uint8_t path = 0;             // its slot,
  std::uint8_t directory = kNoSlot;  // of the directory that it starts at, and of flags of open(2)
  std::uint8_t flags = kNoSlot;
  std::uint8_t writes = 0;  // 1: the call changes what it names, whatever its flags are
  bool operator==(const Naming&) const = default;
};
// A call that sends on a socket, and that the newest filter lets go on.
struct Sending {
  std::uint32_t arch = 0, number = 0;
  std::uint8_t form = 0;     // abi::SendForm
  std::uint8_t pointer = 8;  // how many bytes one of the caller has: 4 or 8
  bool operator==(const Sending&) const = default;
};
// The machine's interface: what it is set to, and what is tried before the program starts.
// Addresses of IPv4 have the first byte the highest.
struct Network {
  using Address6 = std::array<std::uint8_t, 16>;
  std::uint32_t address = 0, gateway = 0;
  std::array<std::uint8_t, 6> gateway_link = {};
  std::uint8_t has_ipv6 = 0;  // 1: the same of IPv6, at the same ports
  Address6 address6 = {}, gateway6 = {}, probe6 = {}, refused6 = {};
  std::uint32_t probe = 0, refused = 0;  // one that answers with `text`, one that does not
  std::uint16_t probe_port = 0, refused_port = 0;
  std::uint8_t resets = 1;              // 0: nobody says so where a connection is refused
  std::string_view name, refused_name;  // which the gateway resolves to `probe`, and does not
  std::string_view text;
  bool operator==(const Network&) const = default;
};
// One call that was denied, and what was seen in its caller's memory.
struct Called {
  static constexpr std::size_t kMostTexts = 3, kMostText = 512;
  struct Text {
    std::uint8_t slot = kNoSlot;
    std::string_view bytes;
    bool operator==(const Text&) const = default;
  };
  bpf::SeccompData data;
  std::uint32_t process = 0;  // its number in the guest
  std::string_view executable;
  std::array<Text, kMostTexts> texts;  // those without a slot are none
  bool operator==(const Called&) const = default;
};
// One call that goes on, and what it names: files that are not there, or that it would change. The
// host judges whether the sandbox withholds them.
struct Used {
  static constexpr std::size_t kMostNames = 2;
  struct Name {
    std::uint8_t slot = kNoSlot;
    std::uint8_t is_there = 0;  // 1: in the root of the program
    std::string_view path;      // absolute
    bool operator==(const Name&) const = default;
  };
  bpf::SeccompData data;
  std::uint32_t process = 0;
  std::string_view executable;
  std::array<Name, kMostNames> names;  // those without a slot are none
  bool operator==(const Used&) const = default;
};
// One call that goes on, and asks for a change of a network by netlink.
struct Sent {
  static constexpr std::size_t kMostTypes = 8;
  bpf::SeccompData data;
  std::uint32_t process = 0;
  std::string_view executable;
  std::uint32_t protocol = 0;  // NETLINK_ROUTE...
  std::array<std::uint16_t, kMostTypes> types = {};
  std::uint8_t count = 0;      // of types
  std::uint8_t is_more = 0;    // 1: than is told
  std::uint8_t has_power = 0;  // 1: its caller has CAP_NET_ADMIN in effect
  bool operator==(const Sent&) const = default;
};
// How often calls like this one were denied until now.
struct Denied {
  static constexpr std::size_t kMostRows = 1024;
  std::uint16_t row = 0;  // by which the same is meant later
  std::uint8_t rest = 0;  // 1: of calls that differ; the data is one of them
  std::uint64_t count = 0;
  bpf::SeccompData data;
  bool operator==(const Denied&) const = default;
};
// Until now.
struct Missed {
  std::uint64_t dropped = 0;     // calls that were counted, and not told of
  std::uint64_t unanswered = 0;  // calls whose task was killed first, which are not counted
  bool operator==(const Missed&) const = default;
};

// Writes a whole frame into `room`. Empty where it does not fit there, or into a frame at all.
std::span<const std::uint8_t> Encode(FrameType type, std::span<const std::uint8_t> body,
                                     std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Welcome& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Hello& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Grant& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Limit& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Mount& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Start& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Window& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Forget& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Ended& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Failed& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Collected& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Listen& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Watch& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Naming& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Sending& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Network& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Called& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Used& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Sent& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Denied& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(const Missed& value, std::span<std::uint8_t> room);
std::span<const std::uint8_t> Encode(FrameType type, Number value, std::span<std::uint8_t> room);

// False where the body is not exactly one such value.
bool Decode(std::span<const std::uint8_t> body, Welcome& value);
bool Decode(std::span<const std::uint8_t> body, Hello& value);
bool Decode(std::span<const std::uint8_t> body, Grant& value);
bool Decode(std::span<const std::uint8_t> body, Limit& value);
bool Decode(std::span<const std::uint8_t> body, Mount& value);
bool Decode(std::span<const std::uint8_t> body, Start& value);
bool Decode(std::span<const std::uint8_t> body, Window& value);
bool Decode(std::span<const std::uint8_t> body, Forget& value);
bool Decode(std::span<const std::uint8_t> body, Number& value);
bool Decode(std::span<const std::uint8_t> body, Ended& value);
bool Decode(std::span<const std::uint8_t> body, Failed& value);
bool Decode(std::span<const std::uint8_t> body, Collected& value);
bool Decode(std::span<const std::uint8_t> body, Listen& value);
bool Decode(std::span<const std::uint8_t> body, Watch& value);
bool Decode(std::span<const std::uint8_t> body, Naming& value);
bool Decode(std::span<const std::uint8_t> body, Sending& value);
bool Decode(std::span<const std::uint8_t> body, Network& value);
bool Decode(std::span<const std::uint8_t> body, Called& value);
bool Decode(std::span<const std::uint8_t> body, Used& value);
bool Decode(std::span<const std::uint8_t> body, Sent& value);
bool Decode(std::span<const std::uint8_t> body, Denied& value);
bool Decode(std::span<const std::uint8_t> body, Missed& value);

// Cuts a stream into frames, in memory that never grows.
class Deframer {
 public:
  enum class State : std::uint8_t {
    kFrame,
    kMore,    // read further bytes into Space() first
    kBroken,  // a length above kMostBody: what comes after it means nothing
  };
  // Where the next bytes of the stream go; never empty after kMore. Ends the last frame's life.
  std::span<std::uint8_t> Space();
  void Add(std::size_t count) { end_ += count; }
  State Next(Frame& frame);

 private:
  std::array<std::uint8_t, kMostFrame> bytes_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace bailey::guest
