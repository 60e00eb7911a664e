// What one policy text says, typed and checked as far as it can be alone. Layers are stacked into
// a Policy by merge.h. Texts are views into the layer's document.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/arch.h"
#include "base/result.h"
#include "policy/document.h"
#include "policy/policy.h"

namespace bailey::policy {

struct Text {
  std::string_view value;
  Place place;
  bool literal = false;  // as in Node
};

// One entry of [syscalls] allow or deny, or of [audit] probes.
struct CallEntry {
  Place place;
  std::string_view name;                // of a call, or a group with its @; empty for a number
  std::optional<std::uint32_t> number;  // with `arch`
  std::optional<abi::Arch> arch;
  OptionalCondition condition;
  Text condition_text;
  std::optional<Answer> answer;  // deny only

  bool IsGroup() const { return name.starts_with('@'); }
};

struct BindEntry {
  Text from, to;
  bool write = false;
};

struct CallLayer {
  std::optional<Answer> default_action, unknown, foreign, fallback;
  std::optional<std::vector<Text>> architectures;  // names that FindArch knows, native, compat
  std::optional<Multiplexers> multiplexers;
  std::optional<std::vector<Text>> socket_families;  // names that abi::SocketFamily knows
  Place socket_families_place;
  std::optional<Text> hot;  // a path
  std::vector<Text> stack;  // paths
  std::vector<CallEntry> allow, deny;
};

struct AuditLayer {
  std::optional<AuditLog> log;
  std::optional<bool> files, network;
  std::optional<std::uint64_t> capacity, rate;
  std::optional<std::vector<Text>> to;
  std::vector<Text> quiet;
  std::vector<CallEntry> probes;
  std::vector<AlertRule> alerts;
};

struct NetworkLayer {
  std::optional<NetworkMode> mode;
  std::vector<egress::Rule> allow, deny;
  Place allow_place;  // of the list, where there is one
  std::optional<std::vector<std::uint16_t>> listen;
  std::optional<std::uint32_t> connections;
  std::optional<std::uint64_t> out;
  std::optional<std::chrono::milliseconds> idle, total;
  std::optional<UpstreamProxy> proxy;
  std::optional<bool> proxy_variables;
};

struct Layer {
  std::shared_ptr<const Document> document;
  std::string name;        // "agent"; what origins call it
  bool is_preset = false;  // compiled in, and checked by the tests of this folder
  std::vector<Text> extends;

  std::vector<Text> read, write, hide, tmpfs, sockets, devices;
  std::vector<BindEntry> binds;
  NetworkLayer network;
  std::vector<Text> pass;
  std::vector<std::pair<Text, Text>> set;
  std::optional<std::vector<Text>> capabilities;
  std::optional<std::uint32_t> uid, gid;
  std::optional<Text> workdir;
  std::optional<bool> new_session;
  std::optional<std::uint64_t> processes, files, file_size, tmpfs_size, memory, cpu_thousandths,
      output, io;
  std::optional<std::chrono::milliseconds> wall;
  CallLayer calls;
  AuditLayer audit;
  std::vector<Text> guarantees;
  std::vector<Text> given_up;  // guarantees of the layers below
};

// `name` is the layer's until the text gives another.
base::Result<Layer> ReadLayer(std::shared_ptr<const Document> document, std::string name,
                              bool is_preset);

class TableReader;
// [network] in layer_network.cc; faults are left in `table`.
void ReadNetwork(TableReader& table, NetworkLayer& network);
inline constexpr std::array<std::string_view, 10> kNetworkKeys = {
    "mode", "allow", "deny",  "listen", "connections",
    "out",  "idle",  "total", "proxy",  "proxy-variables"};
// A mode's name ("allow"); nullopt when it is none.
std::optional<NetworkMode> FindNetworkMode(std::string_view name);
// A network that is to be used needs sockets: the layer that says mode = "allow" or "nat" also
// allows to make, connect and bind those of the internet, where neither it nor one above says
// otherwise. `layers`: the lowest first.
void GrantSockets(std::vector<Layer>& layers);
// [syscalls] in layer_calls.cc; faults are left in `table`.
void ReadCalls(TableReader& table, bool is_preset, CallLayer& calls);
// A list of calls by the last word of `where` ("[syscalls] deny"); faults are left in `table`.
void ReadCallEntries(TableReader& table, std::string_view where, std::vector<CallEntry>& entries);
// [audit] in layer_audit.cc; faults are left in `table`.
void ReadAudit(TableReader& table, AuditLayer& audit);
inline constexpr std::array<std::string_view, 9> kAuditKeys = {
    "log", "files", "network", "capacity", "rate", "quiet", "probes", "to", "alert"};
bool IsAuditSink(std::string_view name);
inline constexpr std::string_view kAuditSinks =
    "\"store\", \"stdout\", \"syslog\", \"journald\", or \"file:\", \"unix:\" or \"syslog:\" and "
    "an "
    "absolute path";
// Why a name is neither a call of some architecture nor a group; nullopt when it is one.
std::optional<std::string> UnknownCall(std::string_view name);
inline constexpr std::array<std::string_view, 11> kCallKeys = {
    "default", "unknown",         "foreign", "fallback",     "architectures", "allow",
    "deny",    "socket-families", "hot",     "multiplexers", "stack"};

}  // namespace bailey::policy
