// The sections of a policy text other than [syscalls], each a few reads of a table.
#include "policy/layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "abi/capabilities.h"
#include "base/text.h"
#include "policy/table_reader.h"

namespace bailey::policy {
namespace {

using namespace std::string_view_literals;

using Keys = std::span<const std::string_view>;

constexpr auto kSections = std::to_array<std::string_view>(
    {"bailey", "name", "extends", "filesystem", "network", "environment", "process", "limits",
     "syscalls", "guarantees", "audit"});
constexpr auto kFilesystemKeys = std::to_array<std::string_view>(
    {"read", "write", "hide", "tmpfs", "sockets", "bind", "devices"});
constexpr auto kBindKeys = std::to_array<std::string_view>({"from", "to", "write"});
constexpr auto kEnvironmentKeys = std::to_array<std::string_view>({"pass", "set"});
constexpr auto kProcessKeys =
    std::to_array<std::string_view>({"capabilities", "uid", "gid", "workdir", "new-session"});
constexpr auto kLimitKeys = std::to_array<std::string_view>(
    {"pids", "files", "file-size", "tmpfs-size", "wall", "memory", "cpu", "output", "io"});
constexpr auto kGuaranteeKeys = std::to_array<std::string_view>({"keep", "give-up"});

constexpr auto kDevices = std::to_array<std::string_view>(
    {"null", "zero", "full", "random", "urandom", "tty", "kvm", "fuse", "net/tun"});

class LayerReader {
 public:
  LayerReader(const Document& document, Layer& layer) : document_(document), layer_(layer) {}

  std::optional<base::Error> Read() {
    TableReader root(document_, 0, "policy", kSections);
    ReadHead(root);
    if (auto error = root.TakeError()) return error;
    Section(root, "filesystem", kFilesystemKeys, &LayerReader::Filesystem);
    Section(root, "network", kNetworkKeys, &LayerReader::ReadNetworkSection);
    Section(root, "environment", kEnvironmentKeys, &LayerReader::ReadEnvironment);
    Section(root, "process", kProcessKeys, &LayerReader::ReadProcess);
    Section(root, "limits", kLimitKeys, &LayerReader::ReadLimits);
    Section(root, "syscalls", kCallKeys, &LayerReader::ReadCallSection);
    Section(root, "guarantees", kGuaranteeKeys, &LayerReader::ReadGuarantees);
    Section(root, "audit", kAuditKeys, &LayerReader::ReadAuditSection);
    if (!error_) error_ = root.TakeError();
    return std::move(error_);
  }

 private:
  void Section(TableReader& root, std::string_view name, Keys keys,
               void (LayerReader::*read)(TableReader&)) {
    const auto index = root.Get(name, NodeKind::kTable);
    if (!index || error_) return;
    TableReader table(document_, *index, fmt::format("[{}]", name), keys);
    if (!table.HasFailed()) (this->*read)(table);
    error_ = table.TakeError();
  }

  void ReadHead(TableReader& root) {
    const auto version = root.Get("bailey", NodeKind::kInteger);
    if (!version) return root.Fail({1, 1}, "read policy: it does not say \"bailey = 1\"");
    const Node& node = root.node(*version);
    if (node.number != 1) {
      return root.Fail(node.place, fmt::format("read policy: its version is {}, this program reads "
                                               "version 1",
                                               node.number));
    }
    if (const auto name = root.String("name")) {
      constexpr std::string_view kAllowed =
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
      if (name->value.empty() || name->value.size() > 63 ||
          name->value.find_first_not_of(kAllowed) != std::string_view::npos) {
        root.Fail(name->place, fmt::format("read policy name: {} is not 1 to 63 letters, digits, "
                                           "dots, dashes and underscores",
                                           Quote(name->value)));
      }
      layer_.name = name->value;
    }
    layer_.extends = root.Strings("extends").value_or(std::vector<Text>());
  }

  void Filesystem(TableReader& table) {
    const auto list = [&](std::string_view key) {
      return table.Strings(key).value_or(std::vector<Text>());
    };
    layer_.read = list("read");
    layer_.write = list("write");
    layer_.hide = list("hide");
    layer_.tmpfs = list("tmpfs");
    layer_.sockets = list("sockets");
    layer_.devices = table.Words("devices", "device", kDevices).value_or(std::vector<Text>());
    const auto binds = table.Get("bind", NodeKind::kArray);
    if (!binds) return;
    for (std::uint32_t i = *binds + 1; i < table.node(*binds).end; i = table.node(i).end)
      ReadBind(table, i);
  }

  void ReadBind(TableReader& table, std::uint32_t index) {
    if (table.node(index).kind != NodeKind::kTable) {
      return table.Fail(table.node(index).place,
                        fmt::format("read [filesystem] bind: expected a table, found {}",
                                    Describe(table.node(index).kind)));
    }
    TableReader bind(document_, index, "[filesystem] bind", kBindKeys);
    const auto from = bind.String("from");
    const auto to = bind.String("to");
    if (!from || !to)
      bind.Fail(table.node(index).place, "read [filesystem] bind: it needs \"from\" and \"to\"");
    if (auto error = bind.TakeError()) return table.Fail(*std::move(error));
    layer_.binds.push_back({*from, *to, bind.Boolean("write").value_or(false)});
    if (auto error = bind.TakeError()) table.Fail(*std::move(error));
  }

  void ReadNetworkSection(TableReader& table) { ReadNetwork(table, layer_.network); }

  void ReadEnvironment(TableReader& table) {
    layer_.pass = table.Strings("pass").value_or(std::vector<Text>());
    for (const Text& name : layer_.pass) {
      const std::string_view stem =
          name.value.ends_with('*') ? name.value.substr(0, name.value.size() - 1) : name.value;
      if (name.value.empty() || stem.find_first_of("=*") != std::string_view::npos) {
        table.Fail(name.place, fmt::format("read [environment] pass: {} is not a name, or the "
                                           "beginning of names and a *",
                                           Quote(name.value)));
      }
    }
    const auto set = table.Get("set", NodeKind::kTable);
    if (!set) return;
    for (std::uint32_t i = *set + 1; i < table.node(*set).end; i = table.node(i).end) {
      const Node& variable = table.node(i);
      if (variable.kind != NodeKind::kString) {
        table.Fail(variable.place,
                   fmt::format("read [environment] set {}: expected a string, found {}",
                               Quote(variable.key), Describe(variable.kind)));
      }
      if (variable.key.empty() || variable.key.find_first_of("=\0"sv) != std::string_view::npos ||
          variable.text.find('\0') != std::string_view::npos) {
        table.Fail(
            variable.key_place,
            fmt::format("read [environment] set: {} cannot be a variable", Quote(variable.key)));
      }
      layer_.set.emplace_back(Text{variable.key, variable.key_place, false}, table.TextOf(i));
    }
  }

  void ReadProcess(TableReader& table) {
    // (uid_t)-1 means "unchanged" to the kernel.
    constexpr std::uint64_t kMaxId = 0xfffffffe;
    const auto id = [&](std::string_view key) {
      const auto number = table.Integer(key, 0, kMaxId);
      return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
    };
    layer_.capabilities = table.Words("capabilities", "capability", abi::kCapabilities);
    layer_.uid = id("uid");
    layer_.gid = id("gid");
    layer_.workdir = table.String("workdir");
    layer_.new_session = table.Boolean("new-session");
  }

  void ReadLimits(TableReader& table) {
    constexpr std::uint64_t kMaxCount = 0x7fffffff;
    constexpr std::uint64_t kMaxProcessors = 8192;  // CONFIG_NR_CPUS at its largest
    layer_.processes = table.Integer("pids", 1, kMaxCount);
    layer_.files = table.Integer("files", 1, kMaxCount);
    layer_.file_size = Size(table, "file-size");
    layer_.memory = Size(table, "memory");
    if (layer_.memory == 0u) Zero(table, "memory");
    layer_.cpu_thousandths = table.Thousandths("cpu", kMaxProcessors);
    layer_.output = Size(table, "output");
    layer_.io = Size(table, "io");
    if (layer_.io == 0u) Zero(table, "io");
    // The kernel reads a size of 0 as no limit (mm/shmem.c).
    layer_.tmpfs_size = Size(table, "tmpfs-size");
    if (layer_.tmpfs_size == 0u) Zero(table, "tmpfs-size");
    const auto wall = table.String("wall");
    if (!wall) return;
    const auto time = base::ParseDuration(wall->value);
    if (!time) return table.Fail(wall->place, time.error());
    layer_.wall = *time;
    if (time->count() == 0) Zero(table, "wall");
  }

  static std::optional<std::uint64_t> Size(TableReader& table, std::string_view key) {
    const auto text = table.String(key);
    if (!text) return std::nullopt;
    const auto size = base::ParseSize(text->value);
    if (size) return *size;
    table.Fail(text->place, size.error());
    return std::nullopt;
  }

  static void Zero(TableReader& table, std::string_view key) {
    table.Fail(table.node(*table.Find(key)).place,
               fmt::format("read {} {}: it is zero", table.where(), key));
  }

  void ReadCallSection(TableReader& table) { ReadCalls(table, layer_.is_preset, layer_.calls); }

  void ReadGuarantees(TableReader& table) {
    layer_.guarantees = table.Strings("keep").value_or(std::vector<Text>());
    layer_.given_up = table.Strings("give-up").value_or(std::vector<Text>());
  }

  void ReadAuditSection(TableReader& table) { ReadAudit(table, layer_.audit); }

  const Document& document_;
  Layer& layer_;
  std::optional<base::Error> error_;
};

}  // namespace

base::Result<Layer> ReadLayer(std::shared_ptr<const Document> document, std::string name,
                              bool is_preset) {
  Layer layer;
  layer.name = std::move(name);
  layer.is_preset = is_preset;
  layer.document = std::move(document);
  if (auto error = LayerReader(*layer.document, layer).Read()) return *std::move(error);
  return layer;
}

}  // namespace bailey::policy
