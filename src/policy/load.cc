// From a name or a text to a stack of layers; what they mean together is in merge.cc.
#include "policy/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "policy/hot.h"
#include "policy/layer.h"
#include "policy/merge.h"
#include "policy/paths.h"
#include "policy/presets.h"
#include "policy/table_reader.h"
#include "policy/toml.h"

namespace bailey::policy {
namespace {

// Policies that extend policies; people write two or three levels.
constexpr std::size_t kMaxLevels = 16;

bool IsPath(std::string_view name) {
  return name.find('/') != std::string_view::npos || name.ends_with(".toml");
}

base::Error TooLarge(std::string_view file, std::string_view what = "policy") {
  return base::InvalidInput(
      fmt::format("read {} {}: it is larger than {} bytes", what, Quote(file), kMaxPolicyBytes));
}

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

base::Result<std::string> ReadFile(const std::string& path, std::string_view what = "policy") {
  const auto fail = [&] {
    return base::SystemError(fmt::format("read {} {}", what, Quote(path)), errno);
  };
  // A FIFO that nobody writes to would be waited for for ever; /dev/fd/N, where a shell puts the
  // output of `<(command)`, is a pipe that is open already.
  std::error_code error;
  if (std::filesystem::is_fifo(path, error) && !path.starts_with("/dev/fd/") &&
      !path.starts_with("/proc/self/fd/")) {
    return base::InvalidInput(fmt::format("read {} {}: it is a FIFO", what, Quote(path)));
  }
  const std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "re"));
  if (!file) return fail();
  std::string text;
  constexpr std::size_t kBlock = 16384;
  for (std::size_t got = 1; got > 0;) {
    const std::size_t size = text.size();
    text.resize(size + kBlock);
    got = std::fread(text.data() + size, 1, kBlock, file.get());
    text.resize(size + got);
    if (text.size() > kMaxPolicyBytes) return TooLarge(path, what);
  }
  if (std::ferror(file.get()) != 0) return fail();
  return text;
}

const EmbeddedPreset* FindPreset(std::string_view name) {
  const auto presets = EmbeddedPresets();
  const auto found = std::ranges::find(presets, name, &EmbeddedPreset::name);
  return found == presets.end() ? nullptr : &*found;
}

std::vector<Node> NodesOf(const EmbeddedPreset& preset) {
  const base::Texts texts = PresetTexts();
  std::vector<Node> nodes;
  nodes.reserve(preset.nodes.size());
  for (const StoredNode& node : preset.nodes) {
    nodes.push_back({node.kind, node.literal, node.end, node.key_place, node.place, texts[node.key],
                     texts[node.text], node.number});
  }
  return nodes;
}

std::string UnknownPreset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const EmbeddedPreset& preset : EmbeddedPresets()) names.push_back(preset.name);
  std::string hint = Suggestion(name, names);
  if (hint.empty()) hint = fmt::format(" (there are: {})", fmt::join(names, ", "));
  return fmt::format("unknown preset {}{}", Quote(name), hint);
}

// "agent" for "/some/where/agent.toml".
std::string Stem(std::string_view path) {
  path.remove_prefix(path.find_last_of('/') + 1);
  if (path.ends_with(".toml") && path.size() > 5) path.remove_suffix(5);
  return std::string(path);
}

// A path in `extends` is relative to the file that has it.
std::string Beside(std::string_view file, std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  const std::size_t slash = file.find_last_of('/');
  if (path.starts_with('/') || slash == std::string_view::npos) return std::string(path);
  return std::string(file.substr(0, slash + 1)) + std::string(path);
}

// Puts what a layer extends below it, each layer once.
class LayerStack {
 public:
  std::optional<base::Error> AddText(std::string text, std::string file) {
    if (text.size() > kMaxPolicyBytes) return TooLarge(file);
    auto document = ParseToml(std::move(text), file);
    if (!document) return document.error();
    return Add(*std::move(document), Stem(file), file, false);
  }

  std::optional<base::Error> AddFile(const std::string& path) {
    auto text = ReadFile(path);
    if (!text) return text.error();
    return AddText(*std::move(text), path);
  }

  std::optional<base::Error> AddPreset(const EmbeddedPreset& preset) {
    return Add(std::make_shared<Document>(std::string(preset.file), preset.text, NodesOf(preset)),
               std::string(preset.name), std::string(preset.name), true);
  }

  std::vector<Layer> Take() && { return std::move(layers_); }
  void Push(Layer layer) { layers_.push_back(std::move(layer)); }
  const Layer& Top() const { return layers_.back(); }

 private:
  // `key` is what `extends` would call it.
  std::optional<base::Error> Add(std::shared_ptr<const Document> document, std::string name,
                                 const std::string& key, bool is_preset) {
    auto layer = ReadLayer(std::move(document), std::move(name), is_preset);
    if (!layer) return layer.error();
    active_.push_back(key);
    for (const Text& parent : layer->extends) {
      if (auto error = AddParent(*layer, parent)) return error;
    }
    active_.pop_back();
    done_.push_back(key);
    layers_.push_back(*std::move(layer));
    return std::nullopt;
  }

  std::optional<base::Error> AddParent(const Layer& layer, const Text& parent) {
    const bool is_path = IsPath(parent.value);
    const std::string key =
        is_path ? Beside(layer.document->file(), parent.value) : std::string(parent.value);
    const auto refuse = [&](std::string cause) {
      return layer.document->ErrorAt(parent.place, "read extends: " + std::move(cause));
    };
    if (std::ranges::find(active_, key) != active_.end()) {
      return refuse(
          fmt::format("{} extends itself: {} -> {}", key, fmt::join(active_, " -> "), key));
    }
    if (active_.size() >= kMaxLevels) return refuse(fmt::format("more than {} levels", kMaxLevels));
    if (std::ranges::find(done_, key) != done_.end()) return std::nullopt;
    if (const EmbeddedPreset* const preset = is_path ? nullptr : FindPreset(key))
      return AddPreset(*preset);
    if (!is_path) return refuse(UnknownPreset(key));
    auto text = ReadFile(key);
    if (!text) return refuse(text.error().text);
    return AddText(*std::move(text), key);
  }

  std::vector<Layer> layers_;
  std::vector<std::string> active_;  // what is being added, outermost first
  std::vector<std::string> done_;
};

std::vector<Text> Texts(const std::vector<std::string>& strings) {
  std::vector<Text> texts;
  for (const std::string& text : strings) texts.push_back({text, {}, false});
  return texts;
}

std::optional<base::Error> ReadCallList(const std::vector<std::string>& names,
                                        std::string_view option, std::vector<CallEntry>& out) {
  for (const std::string& name : names) {
    CallEntry entry;
    entry.name = name;
    if (auto unknown = UnknownCall(name))
      return base::InvalidInput(fmt::format("read {}: {}", option, *unknown));
    out.push_back(std::move(entry));
  }
  return std::nullopt;
}

std::optional<base::Error> ReadAuditOptions(const Overrides& overrides, AuditLayer& audit) {
  if (overrides.audit == "none") {
    audit.log = AuditLog::kNone;
  } else if (overrides.audit == "denied" || overrides.audit == "files" ||
             overrides.audit == "network") {
    audit.log = AuditLog::kDenied;
  } else if (overrides.audit == "all") {
    audit.log = AuditLog::kAll;
  } else if (!overrides.audit.empty()) {
    return base::InvalidInput(fmt::format(
        "read --audit {}: expected none, denied, files, network or all", Quote(overrides.audit)));
  }
  if (overrides.audit == "files") audit.files = true;
  if (overrides.audit == "network") audit.network = true;
  for (const std::string& name : overrides.audit_to) {
    if (!IsAuditSink(name))
      return base::InvalidInput(
          fmt::format("read --audit-to {}: expected {}", Quote(name), kAuditSinks));
  }
  if (!overrides.audit_to.empty()) audit.to = Texts(overrides.audit_to);
  return std::nullopt;
}

std::optional<base::Error> ReadLimitOptions(const Overrides& overrides, Layer& layer) {
  if (!overrides.timeout.empty()) {
    const auto wall = base::ParseDuration(overrides.timeout);
    if (!wall) return base::InvalidInput("read --timeout: " + wall.error().text);
    if (wall->count() == 0) return base::InvalidInput("read --timeout: it is zero");
    layer.wall = *wall;
  }
  for (const auto& [name, text, limit] : {std::tuple("memory", &overrides.memory, &layer.memory),
                                          std::tuple("output", &overrides.output, &layer.output),
                                          std::tuple("io", &overrides.io, &layer.io)}) {
    if (text->empty()) continue;
    const auto size = base::ParseSize(*text);
    if (!size) return base::InvalidInput(fmt::format("read --{}: {}", name, size.error().text));
    *limit = *size;
  }
  if (layer.memory == 0u) return base::InvalidInput("read --memory: it is zero");
  if (layer.io == 0u) return base::InvalidInput("read --io: it is zero");
  if (!overrides.cpu.empty()) {
    double number = 0;
    const char* const end = overrides.cpu.data() + overrides.cpu.size();
    const auto read = std::from_chars(overrides.cpu.data(), end, number, std::chars_format::fixed);
    if (read.ec != std::errc() || read.ptr != end || !(number >= 0.001 && number <= 8192))
      return base::InvalidInput(
          fmt::format("read --cpu {}: expected a number from 0.001 to 8192", Quote(overrides.cpu)));
    layer.cpu_thousandths = static_cast<std::uint64_t>(std::llround(number * 1000));
  }
  if (overrides.processes) layer.processes = overrides.processes;
  return ReadAuditOptions(overrides, layer.audit);
}

// "none", "nat", "host", "allow", and "allow:ENTRY", which can stand several times.
std::optional<base::Error> ReadNetworkOptions(const std::vector<std::string>& texts,
                                              NetworkLayer& network) {
  bool only_entries = true;
  for (const std::string_view text : texts) {
    const std::size_t colon = text.find(':');
    auto mode = FindNetworkMode(text.substr(0, colon));
    if (!mode || (colon != std::string_view::npos && mode != NetworkMode::kAllow)) {
      return base::InvalidInput(fmt::format(
          "read --net {}: expected \"none\", \"allow\", \"allow:HOST:PORT\", \"nat\" or \"host\"",
          Quote(text)));
    }
    // Entries open addresses on top of plain routing, too.
    if (colon != std::string_view::npos && network.mode == NetworkMode::kNat) mode = network.mode;
    if (mode == NetworkMode::kNat && only_entries) network.mode = mode;
    only_entries &= colon != std::string_view::npos;
    if (network.mode && network.mode != mode) {
      return base::InvalidInput(
          fmt::format("read --net {}: it is another mode than the one before", Quote(text)));
    }
    network.mode = mode;
    if (colon == std::string_view::npos) continue;
    auto rule = egress::ParseRule(text.substr(colon + 1), egress::RuleList::kAllow);
    if (!rule) return base::InvalidInput("read --net allow: " + rule.error().text);
    network.allow.push_back(*std::move(rule));
  }
  return std::nullopt;
}

// Paths with a colon in them are for policy files.
std::optional<base::Error> ReadBinds(const std::vector<std::string>& texts,
                                     std::vector<BindEntry>& binds) {
  for (const std::string_view text : texts) {
    std::string_view rest = text;
    const bool write = rest.ends_with(":write");
    if (write) rest.remove_suffix(std::string_view(":write").size());
    const std::size_t colon = rest.rfind(':');
    const bool has_both = colon != std::string_view::npos && colon > 0 && colon + 1 < rest.size();
    const std::string_view from = has_both ? rest.substr(0, colon) : rest;
    if (!has_both || (from.contains(':') && !DescriptorIn(from))) {
      return base::InvalidInput(
          fmt::format("read --bind {}: expected FROM:TO or FROM:TO:write", Quote(text)));
    }
    binds.push_back({{from, {}, false}, {rest.substr(colon + 1), {}, false}, write});
  }
  return std::nullopt;
}

base::Result<Layer> ReadOverrides(const Overrides& overrides) {
  Layer layer;
  layer.document = std::make_shared<Document>("command line", "", std::vector<Node>());
  layer.name = "the command line";
  layer.read = Texts(overrides.read);
  layer.write = Texts(overrides.write);
  layer.hide = Texts(overrides.hide);
  layer.tmpfs = Texts(overrides.tmpfs);
  if (auto error = ReadBinds(overrides.binds, layer.binds)) return *std::move(error);
  layer.pass = Texts(overrides.pass_environment);
  for (const std::string_view variable : overrides.set_environment) {
    const std::size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return base::InvalidInput(fmt::format("read --env {}: expected NAME=value", Quote(variable)));
    }
    layer.set.emplace_back(Text{variable.substr(0, equals), {}, false},
                           Text{variable.substr(equals + 1), {}, false});
  }
  if (auto error = ReadNetworkOptions(overrides.network, layer.network)) return *std::move(error);
  if (!overrides.workdir.empty()) layer.workdir = Text{overrides.workdir, {}, false};
  if (auto error = ReadLimitOptions(overrides, layer)) return *std::move(error);
  for (const std::string& arch : overrides.architectures) {
    if (arch == "native" || arch == "compat" || abi::FindArch(arch)) continue;
    return base::InvalidInput(fmt::format("read --arch {}: unknown architecture", Quote(arch)));
  }
  if (!overrides.architectures.empty()) {
    layer.calls.architectures = Texts(overrides.architectures);
  }
  if (auto error = ReadCallList(overrides.allow_syscalls, "--allow-syscall", layer.calls.allow))
    return *std::move(error);
  if (auto error = ReadCallList(overrides.deny_syscalls, "--deny-syscall", layer.calls.deny))
    return *std::move(error);
  return layer;
}

// The highest layer's that has one; beside the file that names it.
base::Result<Hot> LoadHot(std::span<const Layer> layers) {
  const auto top = std::find_if(layers.rbegin(), layers.rend(),
                                [](const Layer& layer) { return layer.calls.hot.has_value(); });
  if (top == layers.rend()) return Hot();
  const std::string path = Beside(top->document->file(), top->calls.hot->value);
  const auto text = ReadFile(path);
  if (!text) {
    return top->document->ErrorAt(top->calls.hot->place,
                                  "read [syscalls] hot: " + text.error().text);
  }
  return ParseHot(*text, path);
}

// What a task has room for is less; this only bounds what is read.
constexpr std::size_t kMaxStacked = 63;

// Those of the lowest layer first; each beside the file that names it.
base::Result<std::vector<StackedFilter>> LoadStack(std::span<const Layer> layers, bool big_endian) {
  std::vector<StackedFilter> stack;
  for (const Layer& layer : layers) {
    for (const Text& text : layer.calls.stack) {
      const auto refuse = [&](std::string_view cause) {
        return layer.document->ErrorAt(text.place, fmt::format("read [syscalls] stack: {}", cause));
      };
      if (stack.size() == kMaxStacked) {
        return refuse(fmt::format("there are more than {} filters", kMaxStacked));
      }
      const std::string path = Beside(layer.document->file(), text.value);
      const auto bytes = ReadFile(path, "filter");
      if (!bytes) return refuse(bytes.error().text);
      auto program = bpf::ReadAs(
          {reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()}, big_endian);
      if (!program) return refuse(fmt::format("{}: {}", Quote(path), program.error().text));
      stack.push_back({path, layer.document->At(text.place), *std::move(program)});
    }
  }
  return stack;
}

base::Result<Policy> Finish(LayerStack layer_stack, const Context& context,
                            const Overrides& overrides) {
  const std::string name = layer_stack.Top().name;
  auto top = ReadOverrides(overrides);
  if (!top) return top.error();
  layer_stack.Push(*std::move(top));
  std::vector<Layer> layers = std::move(layer_stack).Take();
  GrantSockets(layers);
  auto policy = Stack(layers, context);
  if (!policy) return policy;
  policy->name = name;
  auto hot = LoadHot(layers);
  if (!hot) return hot.error();
  policy->syscalls.hot = *std::move(hot);
  const auto& archs = policy->syscalls.architectures;
  const abi::Arch first = archs.empty() ? context.native : archs.front();
  auto stack = LoadStack(layers, abi::Info(first).big_endian);
  if (!stack) return stack.error();
  policy->syscalls.stack = *std::move(stack);
  return policy;
}

}  // namespace

base::Result<Policy> Load(std::string_view name_or_path, const Context& context,
                          const Overrides& overrides) {
  LayerStack stack;
  std::optional<base::Error> error;
  if (IsPath(name_or_path)) {
    error = stack.AddFile(std::string(name_or_path));
  } else if (const EmbeddedPreset* const preset = FindPreset(name_or_path)) {
    error = stack.AddPreset(*preset);
  } else {
    return base::InvalidInput(
        fmt::format("load policy: {}; a file is named by a path with \"/\" or by its ending "
                    "\".toml\"",
                    UnknownPreset(name_or_path)));
  }
  if (error) return *std::move(error);
  return Finish(std::move(stack), context, overrides);
}

base::Result<Policy> Parse(std::string_view text, std::string_view file, const Context& context,
                           const Overrides& overrides) {
  LayerStack stack;
  if (auto error = stack.AddText(std::string(text), std::string(file))) return *std::move(error);
  return Finish(std::move(stack), context, overrides);
}

std::vector<Preset> Presets() {
  std::vector<Preset> presets;
  for (const EmbeddedPreset& preset : EmbeddedPresets())
    presets.push_back({preset.name, preset.text});
  return presets;
}

}  // namespace bailey::policy
