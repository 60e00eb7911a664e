#include "learn/profile.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "egress/rule.h"

namespace bailey::learn {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kVersion = 1;

base::Error Wrong(std::string_view file, std::string_view cause) {
  return base::InvalidInput(fmt::format("read profile {}: {}", file, cause));
}

void ReadCalls(const Json& calls, Profile& profile) {
  for (const Json& call : calls) {
    const auto arch = abi::FindArch(call.at("arch").get<std::string>());
    if (!arch) throw Json::other_error::create(501, "unknown architecture", &call);
    CallUse& use = profile.calls[{*arch, call.at("name").get<std::string>()}];
    use.count = call.at("count").get<std::uint64_t>();
    use.has_more_values = call.at("has_more_values").get<bool>();
    use.values = call.at("values").get<std::set<std::uint64_t>>();
    // Older profiles do not say: then it may be so.
    use.sets_ids = call.value("sets_ids", true);
  }
}

}  // namespace

void Merge(Profile& into, const Profile& from) {
  into.runs += from.runs;
  for (const auto& [call, use] : from.calls) {
    CallUse& merged = into.calls[call];
    merged.count += use.count;
    merged.values.insert(use.values.begin(), use.values.end());
    merged.has_more_values |= use.has_more_values;
    merged.sets_ids |= use.sets_ids;
  }
  for (const auto& [path, use] : from.paths) {
    PathUse& merged = into.paths[path];
    merged.read |= use.read;
    merged.write |= use.write;
    merged.execute |= use.execute;
    merged.change_entries |= use.change_entries;
    merged.count += use.count;
  }
  into.sockets.insert(from.sockets.begin(), from.sockets.end());
  into.unix_sockets |= from.unix_sockets;
  into.addresses.insert(from.addresses.begin(), from.addresses.end());
  into.destinations.insert(from.destinations.begin(), from.destinations.end());
  into.names.insert(from.names.begin(), from.names.end());
  into.named.insert(from.named.begin(), from.named.end());
}

std::string ToJson(const Profile& profile) {
  Json calls = Json::array(), paths = Json::array();
  for (const auto& [call, use] : profile.calls) {
    calls.push_back({{"arch", abi::Info(call.first).name},
                     {"name", call.second},
                     {"count", use.count},
                     {"values", use.values},
                     {"has_more_values", use.has_more_values},
                     {"sets_ids", use.sets_ids}});
  }
  for (const auto& [path, use] : profile.paths) {
    paths.push_back({{"path", path},
                     {"read", use.read},
                     {"write", use.write},
                     {"execute", use.execute},
                     {"change_entries", use.change_entries},
                     {"count", use.count}});
  }
  const Json whole = {{"version", kVersion},
                      {"runs", profile.runs},
                      {"calls", std::move(calls)},
                      {"paths", std::move(paths)},
                      {"sockets", profile.sockets},
                      {"unix_sockets", profile.unix_sockets},
                      {"addresses", profile.addresses},
                      {"destinations", profile.destinations},
                      {"names", profile.names},
                      {"named", profile.named}};
  return whole.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

base::Result<Profile> ParseProfile(std::string_view text, std::string_view file) {
  const Json whole = Json::parse(text, nullptr, false);
  if (whole.is_discarded()) return Wrong(file, "it is no JSON");
  try {
    if (whole.at("version").get<std::uint64_t>() != kVersion)
      return Wrong(file, fmt::format("this program reads version {}", kVersion));
    Profile profile;
    profile.runs = whole.at("runs").get<std::uint64_t>();
    ReadCalls(whole.at("calls"), profile);
    for (const Json& path : whole.at("paths")) {
      profile.paths[path.at("path").get<std::string>()] = {
          path.at("read").get<bool>(), path.at("write").get<bool>(), path.at("execute").get<bool>(),
          path.at("change_entries").get<bool>(), path.at("count").get<std::uint64_t>()};
    }
    profile.sockets = whole.at("sockets").get<std::set<std::string>>();
    profile.addresses = whole.at("addresses").get<std::set<std::string>>();
    profile.unix_sockets = whole.value("unix_sockets", true);
    // Profiles that were written before there was a gateway to record have neither.
    profile.destinations = whole.value("destinations", std::set<std::string>());
    profile.names = whole.value("names", std::set<std::string>());
    profile.named = whole.value("named", std::set<std::string>());
    for (const std::string& entry : profile.destinations) {
      const auto rule = egress::ParseRule(entry, egress::RuleList::kAllow);
      if (!rule) return Wrong(file, rule.error().text);
    }
    for (const std::string& name : profile.names)
      if (!egress::Host::Parse(name))
        return Wrong(file, fmt::format("\"{}\" is no name", base::Escape(name)));
    return profile;
  } catch (const Json::exception& exception) {
    return Wrong(file, exception.what());
  }
}

}  // namespace bailey::learn
