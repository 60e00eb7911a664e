// A small table of nf_tables as a value: written in one batch, and read back from the kernel.
//
//   nft::Table table{.name = "bailey"};
//   table.chains.push_back({.name = "out", .hook = nft::Hook::kOutput, .drop = true});
//   Transact(socket, nft::Batch(table).Data(), ...);
//   auto differences = nft::Compare(socket, table);   // empty when it is in force
//
// Expressions are the kernel's own (nft --debug=netlink prints them); each rule also says what it
// does as nft(8) would write it, for people and for the tests that ask nft.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/address.h"
#include "os/netlink.h"

namespace bailey::os::nft {

enum class Meta : std::uint8_t { kFamily, kProtocol };
enum class Header : std::uint8_t { kNetwork, kTransport, kLink };

// Registers are of four bytes, counted from 0.
struct LoadMeta {
  Meta key = Meta::kFamily;
  std::uint8_t to = 0;
  bool operator==(const LoadMeta&) const = default;
};
struct LoadPacket {
  Header header = Header::kNetwork;
  std::uint8_t offset = 0, length = 0, to = 0;
  bool operator==(const LoadPacket&) const = default;
};
struct LoadValue {
  std::uint8_t to = 0;
  std::vector<std::uint8_t> value;
  bool operator==(const LoadValue&) const = default;
};
// register & mask, in place.
struct And {
  std::uint8_t reg = 0;
  std::vector<std::uint8_t> mask;
  bool operator==(const And&) const = default;
};
// The rule goes on where the register equals the value, or where it does not.
struct Match {
  std::uint8_t reg = 0;
  bool equal = true;
  std::vector<std::uint8_t> value;
  bool operator==(const Match&) const = default;
};
struct InSet {
  std::string set;
  std::uint8_t reg = 0;
  bool operator==(const InSet&) const = default;
};
struct ToSocket {  // TPROXY
  bool v6 = false;
  std::uint8_t address = 0, port = 0;  // registers
  bool operator==(const ToSocket&) const = default;
};
struct Log {
  std::uint16_t group = 0;
  std::uint32_t bytes = 0;  // of the packet
  bool operator==(const Log&) const = default;
};
struct ResetTcp {
  bool operator==(const ResetTcp&) const = default;
};
struct Accept {
  bool operator==(const Accept&) const = default;
};
using Expression = std::variant<LoadMeta, LoadPacket, LoadValue, And, Match, InSet, ToSocket, Log,
                                ResetTcp, Accept>;

struct Rule {
  std::string text;
  std::vector<Expression> expressions;
  bool operator==(const Rule&) const = default;
};

enum class Hook : std::uint8_t { kPrerouting, kInput, kOutput, kIngress };
struct Chain {
  std::string name;
  Hook hook = Hook::kOutput;
  std::int32_t priority = 0;
  bool drop = false;  // what no rule decides
  std::vector<Rule> rules;
  std::string device = {};  // of kIngress
  bool operator==(const Chain&) const = default;
};

// A destination: an address or a range, a protocol's number, ports.
struct Element {
  base::Address first, last;
  std::uint8_t protocol = 0;
  std::uint16_t low = 0, high = 0;
  auto operator<=>(const Element&) const = default;
};
struct Set {
  std::string name;
  bool v6 = false;
  bool ranges = false;  // else every element is one address and one port
  std::vector<Element> elements;
  bool operator==(const Set&) const = default;
};

struct Table {
  std::string name;  // of family inet
  std::vector<Set> sets;
  std::vector<Chain> chains;
  bool netdev = false;  // of family netdev instead, whose chains are at kIngress; without sets
  bool operator==(const Table&) const = default;
};
std::string ToString(const Table& table);

Netlink Batch(const Table& table);
Netlink AddElements(const std::string& table, const Set& set);

// What the kernel has beside what the table says, a line each: of all families, but for a table of
// netdev, of that family alone. Needs CAP_NET_ADMIN over the network namespace that the socket is
// of.
SysResult<std::vector<std::string>> Compare(int netfilter_socket, const Table& table);

// Asks for copies of what Log sends to a group; they arrive on this socket.
Netlink ListenToLog(std::uint16_t group, std::uint32_t bytes);
// The packets in what was received there, from their network header on.
std::vector<std::vector<std::uint8_t>> LoggedPackets(Bytes received);

}  // namespace bailey::os::nft
