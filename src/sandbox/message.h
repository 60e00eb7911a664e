// What the tasks of a sandbox say to each other while it starts: fixed-size messages over one
// socket pair that keeps message boundaries. The supervisor holds one end; PID 1 and the payload
// share the other: PID 1 reads the first message on it, and the payload all later ones.
#pragma once

#include <cstdint>
#include <string_view>

namespace bailey::sandbox {

// Where starting failed. The order is the order of the launch.
enum class Stage : std::uint32_t {
  kNone,
  kMapIds,
  kBecomeIds,
  kForkPayload,
  kNamespaces,
  kHostname,
  kLoopback,
  kUserNamespace,
  kPrivateMounts,
  kMount,  // `index` is the step of the root plan
  kEnterRoot,
  kMapPayloadIds,
  kLandlockRules,  // `index` is the rule
  kSealRoot,
  kOutput,
  kNewSession,
  kWorkdir,
  kTerminal,
  kLimits,  // `index` is the limit
  kSignals,
  kKeyring,
  kNoNewPrivileges,
  kLandlock,
  kCapabilities,
  kDescriptors,
  kSeccomp,  // `index` is the filter
  kCommand,
  kProbe,  // `index` is the probe
  kHandshake,
  kExecute,
};
std::string_view ToString(Stage stage);

enum class MessageKind : std::uint32_t {
  kMapped,    // supervisor to PID 1: your ids are mapped, go on
  kFilter,    // supervisor to payload: the seccomp filter is proved, and in the shared slot
  kTerminal,  // payload to supervisor: the master side of the program's terminal, as a descriptor
  kHello,     // payload to supervisor: this is my process id (by the socket's credentials)
  // Payload to supervisor: the filter is on, and `error` is the number of its listener's
  // descriptor, or -1 where it could not have one.
  kListening,
  kReady,   // payload to supervisor: every layer is in force, read it back
  kRooted,  // PID 1 to supervisor: the root is complete, read it back
  kSealed,  // PID 1 to supervisor: I can do nothing more but reap
  kStart,   // supervisor to payload: execute
  kFailed,  // from either: stage, index, error
  // PID 1 to supervisor: the payload's wait status, in `error`; kNobodyLeft in `index`, when no
  // other process is in the namespace; and what those that ended have used.
  kEnded,
};

inline constexpr std::uint32_t kNobodyLeft = 1;

struct Message {
  MessageKind kind = MessageKind::kFailed;
  Stage stage = Stage::kNone;
  std::uint32_t index = 0;
  std::int32_t error = 0;
  std::uint64_t user_us = 0, system_us = 0, peak_kib = 0;

  std::string_view Bytes() const { return {reinterpret_cast<const char*>(this), sizeof(Message)}; }
};

}  // namespace bailey::sandbox
