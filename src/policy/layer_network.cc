// [network]: the mode, what may be reached, and limits.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "policy/layer.h"
#include "policy/table_reader.h"

namespace bailey::policy {
namespace {

constexpr std::string_view kNetworkModes[] = {"none", "allow", "nat", "host"};
// What a program needs to use a network; netlink tells it which addresses it has.
constexpr std::string_view kSocketCalls[] = {"bind", "connect", "listen", "accept", "accept4"};
constexpr std::string_view kSocketFamilies[] = {"inet", "inet6", "netlink"};

std::vector<egress::Rule> ReadRules(TableReader& table, std::string_view key,
                                    egress::RuleList list) {
  std::vector<egress::Rule> rules;
  for (const Text& text : table.Strings(key).value_or(std::vector<Text>())) {
    auto rule = egress::ParseRule(text.value, list);
    if (rule) {
      rules.push_back(*std::move(rule));
    } else {
      table.Fail(text.place, fmt::format("read [network] {}: {}", key, rule.error().text));
    }
  }
  return rules;
}

std::optional<std::vector<std::uint16_t>> ReadPorts(TableReader& table, std::string_view key) {
  const auto array = table.Get(key, NodeKind::kArray);
  if (!array) return std::nullopt;
  std::vector<std::uint16_t> ports;
  for (std::uint32_t i = *array + 1; i < table.node(*array).end; i = table.node(i).end) {
    const Node& node = table.node(i);
    if (node.kind != NodeKind::kInteger || node.number < 1 || node.number > 65535) {
      table.Fail(node.place, fmt::format("read [network] {}: expected ports from 1 to 65535", key));
      return std::nullopt;
    }
    const auto port = static_cast<std::uint16_t>(node.number);
    if (std::ranges::count(ports, port) == 0) ports.push_back(port);
  }
  return ports;
}

std::optional<std::chrono::milliseconds> ReadTime(TableReader& table, std::string_view key) {
  const auto text = table.String(key);
  if (!text) return std::nullopt;
  const auto time = base::ParseDuration(text->value);
  if (!time) {
    table.Fail(text->place, time.error());
  } else if (time->count() == 0) {
    table.Fail(text->place, fmt::format("read [network] {}: it is zero", key));
  } else {
    return *time;
  }
  return std::nullopt;
}

std::optional<UpstreamProxy> ReadProxy(TableReader& table) {
  const auto text = table.String("proxy");
  if (!text) return std::nullopt;
  const auto refuse = [&](std::string_view cause) {
    table.Fail(text->place, fmt::format("read [network] proxy: {}: {}", Quote(text->value), cause));
  };
  constexpr std::string_view kScheme = "http://";
  if (!text->value.starts_with(kScheme)) {
    refuse("expected \"http://HOST:PORT\"");
    return std::nullopt;
  }
  std::string_view rest = text->value.substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  std::string_view host = rest.substr(0, colon);
  const auto port = base::ParseNumber(colon == std::string_view::npos ? std::string_view()
                                                                      : rest.substr(colon + 1));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto name = egress::Host::Parse(host);
  const auto address = base::ParseAddress(host);
  if ((!name && !address) || !port || *port == 0 || *port > 65535) {
    refuse("expected \"http://HOST:PORT\"");
    return std::nullopt;
  }
  return UpstreamProxy{name ? name->Text() : base::ToString(*address),
                       static_cast<std::uint16_t>(*port)};
}

bool Names(const std::vector<CallEntry>& entries, std::string_view call) {
  return std::ranges::any_of(entries,
                             [call](const CallEntry& entry) { return entry.name == call; });
}

}  // namespace

std::optional<NetworkMode> FindNetworkMode(std::string_view name) {
  constexpr NetworkMode kModes[] = {NetworkMode::kNone, NetworkMode::kAllow, NetworkMode::kNat,
                                    NetworkMode::kHost};
  const auto found = std::ranges::find(kNetworkModes, name);
  if (found == std::end(kNetworkModes)) return std::nullopt;
  return kModes[found - std::begin(kNetworkModes)];
}

void ReadNetwork(TableReader& table, NetworkLayer& network) {
  if (const auto mode = table.String("mode")) {
    network.mode = FindNetworkMode(mode->value);
    if (!network.mode) {
      table.Fail(mode->place,
                 fmt::format("read [network] mode: {} is not \"none\", \"allow\", \"nat\" or "
                             "\"host\"{}",
                             Quote(mode->value), Suggestion(mode->value, kNetworkModes)));
    }
  }
  if (const auto list = table.Find("allow")) network.allow_place = table.node(*list).key_place;
  network.allow = ReadRules(table, "allow", egress::RuleList::kAllow);
  network.deny = ReadRules(table, "deny", egress::RuleList::kDeny);
  network.listen = ReadPorts(table, "listen");
  constexpr std::uint64_t kMostConnections = 1'000'000;
  if (const auto most = table.Integer("connections", 1, kMostConnections))
    network.connections = static_cast<std::uint32_t>(*most);
  if (const auto out = table.String("out")) {
    const auto size = base::ParseSize(out->value);
    if (size) network.out = *size;
    if (!size) table.Fail(out->place, size.error());
  }
  network.idle = ReadTime(table, "idle");
  network.total = ReadTime(table, "total");
  network.proxy = ReadProxy(table);
  network.proxy_variables = table.Boolean("proxy-variables");
}

void GrantSockets(std::vector<Layer>& layers) {
  const auto top = std::find_if(layers.rbegin(), layers.rend(),
                                [](const Layer& layer) { return layer.network.mode.has_value(); });
  if (top == layers.rend()) return;
  if (top->network.mode != NetworkMode::kAllow && top->network.mode != NetworkMode::kNat) return;
  for (const std::string_view call : kSocketCalls) {
    if (Names(top->calls.deny, call) || Names(top->calls.allow, call)) continue;
    CallEntry entry;
    entry.name = call;
    top->calls.allow.push_back(std::move(entry));
  }
  // Those of the layers below, and of the internet; a layer above has the last word anyway.
  const auto families = std::find_if(top, layers.rend(), [](const Layer& layer) {
    return layer.calls.socket_families.has_value();
  });
  if (families == layers.rend() || families == top) return;
  std::vector<Text> names = *families->calls.socket_families;
  for (const std::string_view name : kSocketFamilies)
    if (std::ranges::count(names, name, &Text::value) == 0) names.push_back({name, {}, false});
  top->calls.socket_families = std::move(names);
}

}  // namespace bailey::policy
