#include "os/nftables.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "os/attributes.h"

namespace bailey::os::nft {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

constexpr std::size_t kHeaderSize = NLMSG_HDRLEN + sizeof(nfgenmsg);

constexpr std::uint16_t Type(unsigned message) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | message);
}

nfgenmsg Family(std::uint8_t family) {
  nfgenmsg header = {};
  header.nfgen_family = family;
  header.version = NFNETLINK_V0;
  return header;
}

// As the kernel writes them (net/netfilter/nf_tables_api.c, nft_dump_register): those at which one
// of 16 bytes begins go by its number.
std::uint32_t Register(std::uint8_t number) {
  return number % 4 == 0 ? NFT_REG_1 + number / 4u : NFT_REG32_00 + number;
}

void PutData(Netlink& out, std::uint16_t type, Bytes value) {
  out.OpenNest(type).Put(NFTA_DATA_VALUE, value).CloseNest();
}

// The name of an expression's kind, then its attributes, which `out` is in the nest of.
const char* KindOf(const Expression& expression) {
  return std::visit(
      Overloaded{
          [](const LoadMeta&) { return "meta"; }, [](const LoadPacket&) { return "payload"; },
          [](const LoadValue&) { return "immediate"; }, [](const And&) { return "bitwise"; },
          [](const Match&) { return "cmp"; }, [](const InSet&) { return "lookup"; },
          [](const ToSocket&) { return "tproxy"; }, [](const Log&) { return "log"; },
          [](const ResetTcp&) { return "reject"; }, [](const Accept&) { return "immediate"; }},
      expression);
}

void PutAttributes(Netlink& out, const LoadMeta& load) {
  out.PutBig(NFTA_META_KEY, load.key == Meta::kFamily ? NFT_META_NFPROTO : NFT_META_L4PROTO);
  out.PutBig(NFTA_META_DREG, Register(load.to));
}
void PutAttributes(Netlink& out, const LoadPacket& load) {
  out.PutBig(NFTA_PAYLOAD_DREG, Register(load.to));
  out.PutBig(NFTA_PAYLOAD_BASE, load.header == Header::kLink      ? NFT_PAYLOAD_LL_HEADER
                                : load.header == Header::kNetwork ? NFT_PAYLOAD_NETWORK_HEADER
                                                                  : NFT_PAYLOAD_TRANSPORT_HEADER);
  out.PutBig(NFTA_PAYLOAD_OFFSET, load.offset).PutBig(NFTA_PAYLOAD_LEN, load.length);
}
void PutAttributes(Netlink& out, const LoadValue& load) {
  out.PutBig(NFTA_IMMEDIATE_DREG, Register(load.to));
  PutData(out, NFTA_IMMEDIATE_DATA, load.value);
}
void PutAttributes(Netlink& out, const And& mask) {
  out.PutBig(NFTA_BITWISE_SREG, Register(mask.reg)).PutBig(NFTA_BITWISE_DREG, Register(mask.reg));
  out.PutBig(NFTA_BITWISE_LEN, static_cast<std::uint32_t>(mask.mask.size()));
  PutData(out, NFTA_BITWISE_MASK, mask.mask);
  PutData(out, NFTA_BITWISE_XOR, std::vector<std::uint8_t>(mask.mask.size()));
}
void PutAttributes(Netlink& out, const Match& match) {
  out.PutBig(NFTA_CMP_SREG, Register(match.reg));
  out.PutBig(NFTA_CMP_OP, match.equal ? NFT_CMP_EQ : NFT_CMP_NEQ);
  PutData(out, NFTA_CMP_DATA, match.value);
}
void PutAttributes(Netlink& out, const InSet& in) {
  out.Put(NFTA_LOOKUP_SET, in.set).PutBig(NFTA_LOOKUP_SREG, Register(in.reg));
}
void PutAttributes(Netlink& out, const ToSocket& to) {
  out.PutBig(NFTA_TPROXY_FAMILY, to.v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
  out.PutBig(NFTA_TPROXY_REG_ADDR, Register(to.address));
  out.PutBig(NFTA_TPROXY_REG_PORT, Register(to.port));
}
void PutAttributes(Netlink& out, const Log& log) {
  const std::uint16_t group = htons(log.group);
  out.Put(NFTA_LOG_GROUP, Bytes(reinterpret_cast<const std::uint8_t*>(&group), sizeof(group)));
  out.PutBig(NFTA_LOG_SNAPLEN, log.bytes);
}
void PutAttributes(Netlink& out, const ResetTcp&) {
  out.PutBig(NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
}
void PutAttributes(Netlink& out, const Accept&) {
  out.PutBig(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  out.OpenNest(NFTA_IMMEDIATE_DATA).OpenNest(NFTA_DATA_VERDICT);
  out.PutBig(NFTA_VERDICT_CODE, NF_ACCEPT).CloseNest().CloseNest();
}

void PutExpressions(Netlink& out, const Rule& rule) {
  out.OpenNest(NFTA_RULE_EXPRESSIONS);
  for (const Expression& expression : rule.expressions) {
    out.OpenNest(NFTA_LIST_ELEM).Put(NFTA_EXPR_NAME, KindOf(expression));
    out.OpenNest(NFTA_EXPR_DATA);
    std::visit([&out](const auto& e) { PutAttributes(out, e); }, expression);
    out.CloseNest().CloseNest();
  }
  out.CloseNest();
}

std::uint32_t HookNumber(Hook hook) {
  switch (hook) {
    case Hook::kPrerouting:
      return NF_INET_PRE_ROUTING;
    case Hook::kInput:
      return NF_INET_LOCAL_IN;
    case Hook::kOutput:
      return NF_INET_LOCAL_OUT;
    case Hook::kIngress:
      return NF_NETDEV_INGRESS;
  }
  return 0;
}

std::vector<std::uint8_t> Key(const base::Address& address, std::uint8_t protocol,
                              std::uint16_t port) {
  const auto bytes = address.Bytes();
  std::vector<std::uint8_t> key(bytes.begin(), bytes.end());
  // Each part of a key begins at a register of four bytes.
  key.insert(key.end(), {protocol, 0, 0, 0, static_cast<std::uint8_t>(port >> 8),
                         static_cast<std::uint8_t>(port), 0, 0});
  return key;
}

std::uint32_t KeySize(const Set& set) { return (set.v6 ? 16 : 4) + 8; }

std::uint32_t SetFlags(const Set& set) {
  return set.ranges ? NFT_SET_INTERVAL | NFT_SET_CONCAT : 0;
}

void PutSet(Netlink& out, const std::string& table, const Set& set, std::uint32_t id) {
  // What nft(8) shows of a key: six bits a type (ipv4_addr 7, ipv6_addr 8, inet_proto 12,
  // inet_service 13). The kernel keeps it and reads nothing from it.
  const std::uint32_t type = ((set.v6 ? 8u : 7u) << 12) | (12u << 6) | 13u;
  out.Begin(Type(NFT_MSG_NEWSET), NLM_F_CREATE | NLM_F_EXCL).Append(Family(NFPROTO_INET));
  out.Put(NFTA_SET_TABLE, table).Put(NFTA_SET_NAME, set.name);
  out.PutBig(NFTA_SET_FLAGS, SetFlags(set)).PutBig(NFTA_SET_KEY_TYPE, type);
  out.PutBig(NFTA_SET_KEY_LEN, KeySize(set)).PutBig(NFTA_SET_ID, id);
  if (!set.ranges) return;
  out.OpenNest(NFTA_SET_DESC).OpenNest(NFTA_SET_DESC_CONCAT);
  for (const std::uint32_t length : {set.v6 ? 16u : 4u, 1u, 2u}) {
    out.OpenNest(NFTA_LIST_ELEM).PutBig(NFTA_SET_FIELD_LEN, length).CloseNest();
  }
  out.CloseNest().CloseNest();
}

void PutElements(Netlink& out, const std::string& table, const Set& set) {
  // Attributes have 16 bits for their length: large lists go in several messages.
  constexpr std::size_t kMost = 512;
  for (std::size_t begin = 0; begin < set.elements.size(); begin += kMost) {
    out.Begin(Type(NFT_MSG_NEWSETELEM), NLM_F_CREATE).Append(Family(NFPROTO_INET));
    out.Put(NFTA_SET_ELEM_LIST_TABLE, table).Put(NFTA_SET_ELEM_LIST_SET, set.name);
    out.OpenNest(NFTA_SET_ELEM_LIST_ELEMENTS);
    for (std::size_t i = begin; i < std::min(set.elements.size(), begin + kMost); ++i) {
      const Element& element = set.elements[i];
      out.OpenNest(NFTA_LIST_ELEM);
      PutData(out, NFTA_SET_ELEM_KEY, Key(element.first, element.protocol, element.low));
      if (set.ranges)
        PutData(out, NFTA_SET_ELEM_KEY_END, Key(element.last, element.protocol, element.high));
      out.CloseNest();
    }
    out.CloseNest();
  }
}

void PutBatchMark(Netlink& out, std::uint16_t type) {
  nfgenmsg header = Family(AF_UNSPEC);
  header.res_id = htons(NFNL_SUBSYS_NFTABLES);
  out.Begin(type, 0).Append(header);
}

std::string Text(Bytes bytes) {
  std::string text(bytes.begin(), bytes.end());
  return text.substr(0, text.find('\0'));
}

std::uint32_t Big(Bytes bytes) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes) number = (number << 8) | byte;
  return number;
}

using Messages = std::vector<std::vector<std::uint8_t>>;

SysResult<Messages> Dump(int socket, unsigned type, const Netlink& request) {
  auto answers = Ask(socket, request.Data());
  if (!answers) return answers;
  std::erase_if(*answers, [type](const auto& message) {
    nlmsghdr header;
    std::memcpy(&header, message.data(), sizeof(header));
    return header.nlmsg_type != Type(type) || message.size() < kHeaderSize;
  });
  return answers;
}

bool IsZero(Bytes bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

// A list keeps its order; other nests hold each type once, in an order that kernels change.
bool IsList(Bytes nest) {
  AttributeReader reader(nest);
  const auto first = reader.Next();
  if (!first || first->type != NFTA_LIST_ELEM) return false;
  const auto second = reader.Next();
  return second && second->type == NFTA_LIST_ELEM;
}

// Whether the kernel says what we said: every attribute of ours is there and equal, and what there
// is beside is a default that the kernel wrote out (zero bytes alone).
bool Says(Bytes kernel, Bytes ours, int depth) {
  if (std::ranges::equal(kernel, ours)) return true;
  if (depth == 0) return false;
  const bool list = IsList(ours);
  AttributeReader wanted(ours), listed(kernel);
  auto attribute = wanted.Next();
  if (!attribute) return false;
  for (; attribute; attribute = wanted.Next()) {
    AttributeReader any(kernel);
    AttributeReader& has = list ? listed : any;
    auto found = has.Next();
    while (found && found->type != attribute->type) found = has.Next();
    if (!found || !Says(found->value, attribute->value, depth - 1)) return false;
  }
  AttributeReader has(kernel);
  while (const auto one = has.Next())
    if (FindIn(ours, one->type).empty() && !IsZero(one->value)) return false;
  return true;
}

// The same for every one of a rule's expressions, of which there are as many.
bool SaysList(Bytes kernel, Bytes ours) {
  constexpr int kDepth = 5;
  AttributeReader wanted(ours), has(kernel);
  for (;;) {
    const auto attribute = wanted.Next(), found = has.Next();
    if (!attribute || !found) return !attribute && !found;
    if (!Says(found->value, attribute->value, kDepth)) return false;
  }
}

void CompareRules(const Messages& messages, const Chain& chain,
                  std::vector<std::string>& differences) {
  std::size_t next = 0;
  for (const auto& message : messages) {
    if (Text(FindIn(message, NFTA_RULE_CHAIN, kHeaderSize)) != chain.name) continue;
    if (next == chain.rules.size()) {
      differences.push_back(fmt::format("chain {} has more rules", chain.name));
      return;
    }
    const Rule& rule = chain.rules[next++];
    Netlink ours;
    ours.Begin(0, 0);
    PutExpressions(ours, rule);
    if (!SaysList(FindIn(message, NFTA_RULE_EXPRESSIONS, kHeaderSize),
                  FindIn(ours.Data(), NFTA_RULE_EXPRESSIONS, NLMSG_HDRLEN)))
      differences.push_back(
          fmt::format("rule {} of chain {} is not: {}", next, chain.name, rule.text));
  }
  if (next < chain.rules.size())
    differences.push_back(
        fmt::format("chain {} has {} rules of {}", chain.name, next, chain.rules.size()));
}

void CompareChains(const Messages& messages, const Table& table,
                   std::vector<std::string>& differences) {
  for (const auto& message : messages) {
    const auto attributes = Attributes(message, kHeaderSize);
    const std::string name = Text(Find(attributes, NFTA_CHAIN_NAME));
    const auto chain = std::ranges::find(table.chains, name, &Chain::name);
    if (chain == table.chains.end() || Text(Find(attributes, NFTA_CHAIN_TABLE)) != table.name) {
      differences.push_back(fmt::format("there is a chain {}", name));
      continue;
    }
    const auto hook = Attributes(Find(attributes, NFTA_CHAIN_HOOK));
    if (Big(Find(hook, NFTA_HOOK_HOOKNUM)) != HookNumber(chain->hook) ||
        Big(Find(hook, NFTA_HOOK_PRIORITY)) != static_cast<std::uint32_t>(chain->priority))
      differences.push_back(fmt::format("chain {} is at another hook", name));
    if (Text(Find(hook, NFTA_HOOK_DEV)) != chain->device)
      differences.push_back(fmt::format("chain {} is at another device", name));
    if (Big(Find(attributes, NFTA_CHAIN_POLICY)) != (chain->drop ? NF_DROP : NF_ACCEPT))
      differences.push_back(fmt::format("chain {} has another policy", name));
  }
  if (messages.size() < table.chains.size()) differences.push_back("a chain is missing");
}

std::optional<Element> ReadElement(Bytes bytes, const Set& set) {
  const auto attributes = Attributes(bytes);
  const auto value = [&](std::uint16_t type) {
    return Find(Attributes(Find(attributes, type)), NFTA_DATA_VALUE);
  };
  const Bytes key = value(NFTA_SET_ELEM_KEY);
  if (key.size() != KeySize(set)) return std::nullopt;
  const Bytes end = set.ranges ? value(NFTA_SET_ELEM_KEY_END) : key;
  if (end.size() != key.size()) return std::nullopt;
  const std::size_t size = set.v6 ? 16 : 4;
  const auto first = base::Address::FromBytes(key.first(size));
  const auto last = base::Address::FromBytes(end.first(size));
  return Element{*first, *last, key[size],
                 static_cast<std::uint16_t>(Big(key.subspan(size + 4, 2))),
                 static_cast<std::uint16_t>(Big(end.subspan(size + 4, 2)))};
}

SysStatus CompareElements(int socket, const Table& table, const Set& set,
                          std::vector<std::string>& differences) {
  Netlink request;
  request.Begin(Type(NFT_MSG_GETSETELEM), NLM_F_DUMP).Append(Family(NFPROTO_INET));
  request.Put(NFTA_SET_ELEM_LIST_TABLE, table.name).Put(NFTA_SET_ELEM_LIST_SET, set.name);
  const auto answers = Dump(socket, NFT_MSG_NEWSETELEM, request);
  if (!answers) return std::unexpected(answers.error());
  std::vector<Element> found;
  for (const auto& message : *answers) {
    const auto attributes = Attributes(message, kHeaderSize);
    for (const Attribute& one : Attributes(Find(attributes, NFTA_SET_ELEM_LIST_ELEMENTS))) {
      const auto element = ReadElement(one.value, set);
      if (element) found.push_back(*element);
      if (!element) differences.push_back(fmt::format("set {} has an odd element", set.name));
    }
  }
  std::vector<Element> wanted = set.elements;
  std::ranges::sort(found);
  std::ranges::sort(wanted);
  if (found != wanted)
    differences.push_back(fmt::format("set {} has {} elements, not the {} that it was given",
                                      set.name, found.size(), wanted.size()));
  return {};
}

std::uint8_t FamilyOf(const Table& table) { return table.netdev ? NFPROTO_NETDEV : NFPROTO_INET; }

std::string ElementText(const Element& element, bool ranges) {
  std::string text = base::ToString(element.first);
  if (element.last != element.first) text += "-" + base::ToString(element.last);
  text += fmt::format(" . {} . {}", element.protocol == IPPROTO_TCP ? "tcp" : "udp", element.low);
  if (ranges && element.high != element.low) text += fmt::format("-{}", element.high);
  return text;
}

}  // namespace

Netlink Batch(const Table& table) {
  const std::uint8_t family = FamilyOf(table);
  Netlink out;
  PutBatchMark(out, NFNL_MSG_BATCH_BEGIN);
  out.Begin(Type(NFT_MSG_NEWTABLE), NLM_F_CREATE | NLM_F_EXCL).Append(Family(family));
  out.Put(NFTA_TABLE_NAME, table.name);
  std::uint32_t id = 0;
  for (const Set& set : table.sets) {
    PutSet(out, table.name, set, ++id);
    PutElements(out, table.name, set);
  }
  for (const Chain& chain : table.chains) {
    out.Begin(Type(NFT_MSG_NEWCHAIN), NLM_F_CREATE | NLM_F_EXCL).Append(Family(family));
    out.Put(NFTA_CHAIN_TABLE, table.name).Put(NFTA_CHAIN_NAME, chain.name);
    out.OpenNest(NFTA_CHAIN_HOOK).PutBig(NFTA_HOOK_HOOKNUM, HookNumber(chain.hook));
    out.PutBig(NFTA_HOOK_PRIORITY, static_cast<std::uint32_t>(chain.priority));
    if (!chain.device.empty()) out.Put(NFTA_HOOK_DEV, chain.device);
    out.CloseNest();
    out.PutBig(NFTA_CHAIN_POLICY, chain.drop ? NF_DROP : NF_ACCEPT);
    out.Put(NFTA_CHAIN_TYPE, "filter");
    for (const Rule& rule : chain.rules) {
      out.Begin(Type(NFT_MSG_NEWRULE), NLM_F_CREATE | NLM_F_APPEND).Append(Family(family));
      out.Put(NFTA_RULE_TABLE, table.name).Put(NFTA_RULE_CHAIN, chain.name);
      PutExpressions(out, rule);
    }
  }
  out.Acknowledge();
  PutBatchMark(out, NFNL_MSG_BATCH_END);
  return out;
}

Netlink AddElements(const std::string& table, const Set& set) {
  Netlink out;
  PutBatchMark(out, NFNL_MSG_BATCH_BEGIN);
  PutElements(out, table, set);
  out.Acknowledge();
  PutBatchMark(out, NFNL_MSG_BATCH_END);
  return out;
}

SysResult<std::vector<std::string>> Compare(int socket, const Table& table) {
  std::vector<std::string> differences;
  const auto all = [&table](unsigned type) {
    Netlink request;
    request.Begin(Type(type), NLM_F_DUMP)
        .Append(Family(table.netdev ? FamilyOf(table) : std::uint8_t{AF_UNSPEC}));
    return request;
  };
  const auto tables = Dump(socket, NFT_MSG_NEWTABLE, all(NFT_MSG_GETTABLE));
  if (!tables) return std::unexpected(tables.error());
  for (const auto& message : *tables) {
    const auto attributes = Attributes(message, kHeaderSize);
    if (Text(Find(attributes, NFTA_TABLE_NAME)) != table.name)
      differences.push_back("there is another table");
    if (Big(Find(attributes, NFTA_TABLE_FLAGS)) != 0)
      differences.push_back(fmt::format("table {} has flags", table.name));
  }
  if (tables->size() != 1)
    differences.push_back(fmt::format("there are {} tables", tables->size()));
  const auto chains = Dump(socket, NFT_MSG_NEWCHAIN, all(NFT_MSG_GETCHAIN));
  if (!chains) return std::unexpected(chains.error());
  CompareChains(*chains, table, differences);
  const auto rules = Dump(socket, NFT_MSG_NEWRULE, all(NFT_MSG_GETRULE));
  if (!rules) return std::unexpected(rules.error());
  for (const Chain& chain : table.chains) CompareRules(*rules, chain, differences);
  for (const Set& set : table.sets)
    if (auto done = CompareElements(socket, table, set, differences); !done)
      return std::unexpected(done.error());
  return differences;
}

std::string ToString(const Table& table) {
  std::string text = fmt::format("table {} {} {{\n", table.netdev ? "netdev" : "inet", table.name);
  for (const Set& set : table.sets) {
    text += fmt::format("  set {} {{\n    type {} . inet_proto . inet_service\n", set.name,
                        set.v6 ? "ipv6_addr" : "ipv4_addr");
    if (set.ranges) text += "    flags interval\n";
    std::string elements;
    for (const Element& element : set.elements)
      elements += (elements.empty() ? "" : ", ") + ElementText(element, set.ranges);
    if (!elements.empty()) text += fmt::format("    elements = {{ {} }}\n", elements);
    text += "  }\n";
  }
  for (const Chain& chain : table.chains) {
    constexpr std::string_view kHooks[] = {"prerouting", "input", "output", "ingress"};
    const std::string device =
        chain.device.empty() ? "" : fmt::format(" device \"{}\"", chain.device);
    text += fmt::format("  chain {} {{\n    type filter hook {}{} priority {}; policy {};\n",
                        chain.name, kHooks[static_cast<std::size_t>(chain.hook)], device,
                        chain.priority, chain.drop ? "drop" : "accept");
    for (const Rule& rule : chain.rules) text += fmt::format("    {}\n", rule.text);
    text += "  }\n";
  }
  return text + "}\n";
}

Netlink ListenToLog(std::uint16_t group, std::uint32_t bytes) {
  constexpr auto kConfigure =
      static_cast<std::uint16_t>((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG);
  nfgenmsg header = Family(AF_UNSPEC);
  header.res_id = htons(group);
  Netlink out;
  const nfulnl_msg_config_cmd bind = {NFULNL_CFG_CMD_BIND};
  out.Begin(kConfigure, 0).Append(header);
  out.Put(NFULA_CFG_CMD, Bytes(reinterpret_cast<const std::uint8_t*>(&bind), sizeof(bind)));
  nfulnl_msg_config_mode mode = {};
  mode.copy_mode = NFULNL_COPY_PACKET;
  mode.copy_range = htonl(bytes);
  out.Begin(kConfigure, 0).Append(header);
  out.Put(NFULA_CFG_MODE, Bytes(reinterpret_cast<const std::uint8_t*>(&mode), sizeof(mode)));
  // Each one at once: what was refused last is known when the program ends.
  out.PutBig(NFULA_CFG_QTHRESH, 1);
  // Room for one: as many as can be wait in the socket's buffer, which counts all of it.
  out.PutBig(NFULA_CFG_NLBUFSIZ, 512);
  return out.Acknowledge();
}

std::vector<std::vector<std::uint8_t>> LoggedPackets(Bytes received) {
  std::vector<std::vector<std::uint8_t>> packets;
  while (received.size() >= kHeaderSize) {
    nlmsghdr header;
    std::memcpy(&header, received.data(), sizeof(header));
    if (header.nlmsg_len < kHeaderSize || header.nlmsg_len > received.size()) break;
    if (header.nlmsg_type == ((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET)) {
      const auto attributes = Attributes(received.first(header.nlmsg_len), kHeaderSize);
      const Bytes packet = Find(attributes, NFULA_PAYLOAD);
      if (!packet.empty()) packets.emplace_back(packet.begin(), packet.end());
    }
    received =
        received.subspan(std::min<std::size_t>(received.size(), (header.nlmsg_len + 3u) & ~3u));
  }
  return packets;
}

}  // namespace bailey::os::nft
