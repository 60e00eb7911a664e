#include "policy/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "policy/condition_check.h"
#include "policy/paths.h"
#include "policy/rules.h"
#include "policy/table_reader.h"

namespace bailey::policy {
namespace {

constexpr std::string_view kUsualPath =
    "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

enum class Use : std::uint8_t { kRead, kWrite, kHide, kTmpfs, kBind };

std::string_view NameOf(Use use) {
  switch (use) {
    case Use::kRead:
      return "read";
    case Use::kWrite:
      return "write";
    case Use::kHide:
      return "hide";
    case Use::kTmpfs:
      return "tmpfs";
    case Use::kBind:
      return "bind";
  }
  return "";
}

// What the layers want of each path. A path has one use: the highest layer's that names it.
class PathTable {
 public:
  PathTable(const Context& context, std::span<const Layer> layers) : context_(context) {
    std::size_t count = 0;
    for (const Layer& layer : layers) {
      count += layer.read.size() + layer.write.size() + layer.hide.size() + layer.tmpfs.size() +
               layer.binds.size();
    }
    entries_.reserve(count);
  }

  std::optional<base::Error> Add(const Layer& layer) {
    const std::pair<const std::vector<Text>*, Use> lists[] = {{&layer.read, Use::kRead},
                                                              {&layer.write, Use::kWrite},
                                                              {&layer.hide, Use::kHide},
                                                              {&layer.tmpfs, Use::kTmpfs}};
    for (const auto& [texts, use] : lists) {
      for (const Text& text : *texts) {
        if (auto error = Add(layer, text, use)) return error;
      }
    }
    for (const BindEntry& bind : layer.binds) {
      if (auto error = AddBind(layer, bind)) return error;
    }
    for (const Text& text : layer.sockets) {
      if (auto error = AddSocket(layer, text)) return error;
    }
    return std::nullopt;
  }

  void MoveTo(Filesystem& out) && {
    for (Entry& entry : entries_) {
      if (entry.optional) out.optional.push_back(SourceOf(entry));
      switch (entry.use) {
        case Use::kRead:
          out.read.push_back(std::move(entry.path));
          break;
        case Use::kWrite:
          out.write.push_back(std::move(entry.path));
          break;
        case Use::kHide:
          out.hide.push_back(std::move(entry.path));
          break;
        case Use::kTmpfs:
          out.tmpfs.push_back(std::move(entry.path));
          break;
        case Use::kBind:
          out.binds.push_back({std::move(entry.from), std::move(entry.path), entry.bind_write});
          break;
      }
    }
    for (Path& socket : sockets_) {
      if (socket.optional) out.optional.push_back(socket.text);
      out.sockets.push_back(std::move(socket.text));
    }
    std::ranges::sort(out.optional);
    const auto repeated = std::ranges::unique(out.optional);
    out.optional.erase(repeated.begin(), repeated.end());
  }

 private:
  struct Entry {
    std::string path;
    Use use = Use::kRead;
    bool optional = false;
    std::string from;  // for kBind
    bool bind_write = false;
    const Layer* layer = nullptr;
    Place place;
  };

  static std::string SourceOf(const Entry& entry) {
    return entry.use == Use::kBind ? entry.from : entry.path;
  }

  base::Result<Path> Resolve(const Layer& layer, const Text& text, PathKind kind,
                             std::string_view key) const {
    auto path = ResolvePath(text.value, kind, context_, "[filesystem]", key);
    if (!path) return layer.document->ErrorAt(text.place, path.error().text);
    return path;
  }

  std::optional<base::Error> Add(const Layer& layer, const Text& text, Use use) {
    const PathKind kind = use == Use::kHide    ? PathKind::kPattern
                          : use == Use::kTmpfs ? PathKind::kPlain
                                               : PathKind::kOptional;
    auto path = Resolve(layer, text, kind, NameOf(use));
    if (!path) return path.error();
    return Insert({.path = std::move(path->text),
                   .use = use,
                   .optional = path->optional,
                   .layer = &layer,
                   .place = text.place});
  }

  std::optional<base::Error> AddBind(const Layer& layer, const BindEntry& bind) {
    auto from = DescriptorIn(bind.from.value)
                    ? Path{std::string(bind.from.value)}
                    : Resolve(layer, bind.from, PathKind::kOptional, "bind from");
    if (!from) return from.error();
    auto to = Resolve(layer, bind.to, PathKind::kPlain, "bind to");
    if (!to) return to.error();
    return Insert({.path = std::move(to->text),
                   .use = Use::kBind,
                   .optional = from->optional,
                   .from = std::move(from->text),
                   .bind_write = bind.write,
                   .layer = &layer,
                   .place = bind.to.place});
  }

  std::optional<base::Error> AddSocket(const Layer& layer, const Text& text) {
    auto path = Resolve(layer, text, PathKind::kOptional, "sockets");
    if (!path) return path.error();
    const auto [at, is_new] = socket_index_.emplace(path->text, sockets_.size());
    if (is_new) {
      sockets_.push_back(*std::move(path));
    } else {
      sockets_[at->second].optional &= path->optional;
    }
    return std::nullopt;
  }

  std::optional<base::Error> Insert(Entry entry) {
    const auto [at, is_new] = index_.emplace(entry.path, entries_.size());
    if (is_new) {
      entries_.push_back(std::move(entry));
      return std::nullopt;
    }
    Entry& old = entries_[at->second];
    if (old.layer != entry.layer) {
      old = std::move(entry);
      return std::nullopt;
    }
    // Within one layer: to write is to read as well; anything else contradicts.
    const auto grants = [](Use use) { return use == Use::kRead || use == Use::kWrite; };
    if (grants(old.use) && grants(entry.use)) {
      old.use = std::max(old.use, entry.use);
      old.optional &= entry.optional;
      return std::nullopt;
    }
    if (old.use == entry.use && old.use != Use::kBind) return std::nullopt;
    return entry.layer->document->ErrorAt(
        entry.place, fmt::format("read [filesystem]: {} is in {} here and in {} at {}", entry.path,
                                 NameOf(entry.use), NameOf(old.use),
                                 base::ToString(entry.layer->document->At(old.place))));
  }

  const Context& context_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<Path> sockets_;
  std::unordered_map<std::string, std::size_t> socket_index_;
};

void AddNew(std::vector<std::string>& out, std::string_view text) {
  if (std::ranges::find(out, text) == out.end()) out.emplace_back(text);
}

bool Covers(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

void StackEnvironment(std::span<const Layer> layers, Environment& out) {
  std::unordered_set<std::string_view> passed;
  for (const Layer& layer : layers) {
    for (const Text& name : layer.pass) {
      out.set.erase(std::string(name.value));
      if (passed.insert(name.value).second) out.pass.emplace_back(name.value);
    }
    for (const auto& [name, value] : layer.set) out.set[std::string(name.value)] = value.value;
  }
  const bool has_path =
      out.set.contains("PATH") ||
      std::ranges::any_of(out.pass, [](const std::string& name) { return Covers(name, "PATH"); });
  if (!has_path) out.set["PATH"] = kUsualPath;
}

template <class T, class U>
void TakeIfSet(const std::optional<T>& value, U& out) {
  if (value) out = *value;
}

// What the layers below promised is given up by name, and only what they did promise.
std::optional<base::Error> StackGuarantees(const Layer& layer, Policy& out) {
  for (const Text& text : layer.given_up) {
    const auto refuse = [&](std::string cause) {
      return layer.document->ErrorAt(text.place, "read [guarantees] give-up: " + std::move(cause));
    };
    if (std::ranges::find(layer.guarantees, text.value, &Text::value) != layer.guarantees.end())
      return refuse(fmt::format("keep promises {} in the same file", Quote(text.value)));
    std::vector<std::string_view> promised;
    for (const Guarantee& one : out.guarantees) promised.push_back(one.name);
    const bool is_promised = std::ranges::find(promised, text.value) != promised.end();
    if (!is_promised) {
      return refuse(fmt::format("nothing that it extends promises {}{}", Quote(text.value),
                                Suggestion(text.value, promised)));
    }
    std::erase_if(out.guarantees, [&](const Guarantee& one) { return one.name == text.value; });
    out.given_up.push_back({std::string(text.value), layer.document->At(text.place)});
  }
  for (const Text& name : layer.guarantees) {
    std::erase_if(out.given_up, [&](const Guarantee& one) { return one.name == name.value; });
    out.guarantees.push_back({std::string(name.value), layer.document->At(name.place)});
  }
  return std::nullopt;
}

void StackAudit(const Layer& layer, Audit& out) {
  const AuditLayer& audit = layer.audit;
  TakeIfSet(audit.log, out.log);
  TakeIfSet(audit.files, out.files);
  TakeIfSet(audit.network, out.network);
  TakeIfSet(audit.capacity, out.capacity);
  TakeIfSet(audit.rate, out.rate);
  for (const Text& name : audit.quiet) AddNew(out.quiet, name.value);
  out.alerts.insert(out.alerts.end(), audit.alerts.begin(), audit.alerts.end());
  if (!audit.to) return;
  out.to.clear();
  for (const Text& name : *audit.to) AddNew(out.to, name.value);
}

// They need the architectures in play, which are known last.
std::optional<base::Error> StackProbes(std::span<const Layer> layers,
                                       std::span<const abi::Arch> archs, Audit& out) {
  for (const Layer& layer : layers) {
    for (const CallEntry& entry : layer.audit.probes) {
      if (!layer.is_preset) {
        if (auto error = CheckCondition(layer, "[audit] probes", entry, archs)) return error;
      }
      out.probes.push_back({.syscall = std::string(entry.name),
                            .number = entry.number,
                            .arch = entry.arch,
                            .condition = entry.condition,
                            .answer = {abi::ActionKind::kAllow, "", 0},
                            .origin = fmt::format("probes of {}", layer.name),
                            .location = layer.document->At(entry.place)});
    }
  }
  return std::nullopt;
}

// Lists of all layers hold together; what denies beats what allows, whichever layer it is of.
std::optional<base::Error> StackNetwork(const Layer& layer, Network& out) {
  const NetworkLayer& network = layer.network;
  TakeIfSet(network.mode, out.mode);
  const bool has_list = out.mode == NetworkMode::kAllow || out.mode == NetworkMode::kNat;
  if (!network.allow.empty() && !has_list) {
    return layer.document->ErrorAt(network.allow_place,
                                   "read [network] allow: it needs mode = \"allow\" or \"nat\"");
  }
  for (const auto& [rules, list] :
       {std::pair{&network.allow, &out.egress.allow}, std::pair{&network.deny, &out.egress.deny}}) {
    for (const egress::Rule& rule : *rules)
      if (std::ranges::count(*list, rule) == 0) list->push_back(rule);
  }
  TakeIfSet(network.listen, out.listen);
  TakeIfSet(network.connections, out.connections);
  TakeIfSet(network.out, out.out);
  TakeIfSet(network.idle, out.idle);
  TakeIfSet(network.total, out.total);
  TakeIfSet(network.proxy, out.proxy);
  TakeIfSet(network.proxy_variables, out.proxy_variables);
  return std::nullopt;
}

std::optional<base::Error> StackScalars(const Layer& layer, const Context& context, Policy& out) {
  if (auto error = StackNetwork(layer, out.network)) return error;
  TakeIfSet(layer.uid, out.process.uid);
  TakeIfSet(layer.gid, out.process.gid);
  TakeIfSet(layer.new_session, out.process.new_session);
  TakeIfSet(layer.processes, out.limits.processes);
  TakeIfSet(layer.files, out.limits.files);
  TakeIfSet(layer.file_size, out.limits.file_size);
  TakeIfSet(layer.tmpfs_size, out.limits.tmpfs_size);
  TakeIfSet(layer.memory, out.limits.memory);
  TakeIfSet(layer.cpu_thousandths, out.limits.cpu_thousandths);
  TakeIfSet(layer.output, out.limits.output);
  TakeIfSet(layer.io, out.limits.io);
  TakeIfSet(layer.wall, out.limits.wall);
  StackAudit(layer, out.audit);
  if (layer.capabilities) {
    out.process.capabilities.clear();
    for (const Text& name : *layer.capabilities) AddNew(out.process.capabilities, name.value);
  }
  for (const Text& name : layer.devices) AddNew(out.filesystem.devices, name.value);
  if (!layer.workdir) return std::nullopt;
  auto path = ResolvePath(layer.workdir->value, PathKind::kPlain, context, "[process]", "workdir");
  if (!path) return layer.document->ErrorAt(layer.workdir->place, path.error().text);
  out.process.workdir = std::move(path->text);
  return std::nullopt;
}

}  // namespace

base::Result<Policy> Stack(std::span<const Layer> layers, const Context& context) {
  Policy policy;
  PathTable paths(context, layers);
  for (const Layer& layer : layers) {
    if (auto error = paths.Add(layer)) return *std::move(error);
    if (auto error = StackScalars(layer, context, policy)) return *std::move(error);
    if (auto error = StackGuarantees(layer, policy)) return *std::move(error);
  }
  std::move(paths).MoveTo(policy.filesystem);
  StackEnvironment(layers, policy.environment);
  auto syscalls = StackCalls(layers, context.native);
  if (!syscalls) return syscalls.error();
  policy.syscalls = *std::move(syscalls);
  if (auto error = StackProbes(layers, policy.syscalls.architectures, policy.audit))
    return *std::move(error);
  return policy;
}

}  // namespace bailey::policy
