#include "sandbox/message.h"

namespace bailey::sandbox {

std::string_view ToString(Stage stage) {
  switch (stage) {
    case Stage::kNone:
      return "start";
    case Stage::kMapIds:
      return "map ids";
    case Stage::kBecomeIds:
      return "become the unprivileged user";
    case Stage::kPrivateMounts:
      return "make mounts private";
    case Stage::kMount:
      return "build root";
    case Stage::kEnterRoot:
      return "enter the new root";
    case Stage::kLandlockRules:
      return "make Landlock rules";
    case Stage::kHostname:
      return "set the host name";
    case Stage::kLoopback:
      return "bring the loopback interface up";
    case Stage::kForkPayload:
      return "start the program's task";
    case Stage::kNamespaces:
      return "make namespaces";
    case Stage::kUserNamespace:
      return "make the program's user namespace";
    case Stage::kMapPayloadIds:
      return "map ids of the program's user namespace";
    case Stage::kSealRoot:
      return "seal the root";
    case Stage::kOutput:
      return "connect the output";
    case Stage::kNewSession:
      return "start a session";
    case Stage::kTerminal:
      return "make the program's terminal";
    case Stage::kWorkdir:
      return "change to the working directory";
    case Stage::kLimits:
      return "set limit";
    case Stage::kSignals:
      return "reset signals";
    case Stage::kKeyring:
      return "join a new session keyring";
    case Stage::kNoNewPrivileges:
      return "set no_new_privs";
    case Stage::kLandlock:
      return "apply Landlock";
    case Stage::kCapabilities:
      return "drop capabilities";
    case Stage::kDescriptors:
      return "close descriptors";
    case Stage::kSeccomp:
      return "attach the seccomp filter";
    case Stage::kCommand:
      return "receive the program's command";
    case Stage::kProbe:
      return "probe the network";
    case Stage::kHandshake:
      return "talk to the supervisor";
    case Stage::kExecute:
      return "execute";
  }
  return "";
}

}  // namespace bailey::sandbox
