// What Firecracker 1.16 takes and refuses, as facts from its published API description
// (src/firecracker/swagger/firecracker.yaml of its repository): the operations that bailey uses,
// with every field that they know, and when each is allowed. And a monitor that answers by it.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "microvm/firecracker_request.h"

namespace bailey::microvm::contract {

using Json = nlohmann::json;

enum class Type { kText, kNumber, kTruth, kObject };
enum class When { kBeforeStart, kAfterStart, kFirst };  // kFirst: before all but logger, metrics

struct Field {
  const char* name;
  Type type;
  bool required = false;
  std::vector<std::string> values = {};
  double least = -1e18, most = 1e18;
  std::vector<Field> inner = {};
};

struct Operation {
  const char* method;
  const char* path;  // "/drives/*"
  When when;
  std::vector<Field> fields;
};

inline const std::vector<Field> kRate = {{"bandwidth", Type::kObject}, {"ops", Type::kObject}};

inline const std::vector<Operation>& Operations() {
  static const std::vector<Operation> all = {
      {"PUT",
       "/logger",
       When::kBeforeStart,
       {{"level", Type::kText, false, {"Error", "Warning", "Info", "Debug", "Trace", "Off"}},
        {"log_path", Type::kText},
        {"show_level", Type::kTruth},
        {"show_log_origin", Type::kTruth},
        {"module", Type::kText}}},
      {"PUT",
       "/metrics",
       When::kBeforeStart,
       {{"metrics_path", Type::kText, true},
        {"emit_id", Type::kTruth},
        {"properties", Type::kObject}}},
      {"PUT",
       "/machine-config",
       When::kBeforeStart,
       {{"vcpu_count", Type::kNumber, true, {}, 1, 32},
        {"mem_size_mib", Type::kNumber, true, {}, 1},
        {"smt", Type::kTruth},
        {"track_dirty_pages", Type::kTruth},
        {"cpu_template", Type::kText},
        {"huge_pages", Type::kText, false, {"None", "Transparent", "2M"}}}},
      {"PUT",
       "/boot-source",
       When::kBeforeStart,
       {{"kernel_image_path", Type::kText, true},
        {"initrd_path", Type::kText},
        {"boot_args", Type::kText}}},
      {"PUT",
       "/drives/*",
       When::kBeforeStart,
       {{"drive_id", Type::kText, true},
        {"is_root_device", Type::kTruth, true},
        {"partuuid", Type::kText},
        {"cache_type", Type::kText, false, {"Unsafe", "Writeback"}},
        {"is_read_only", Type::kTruth},
        {"path_on_host", Type::kText},
        {"rate_limiter", Type::kObject, false, {}, 0, 0, kRate},
        {"io_engine", Type::kText, false, {"Sync", "Async"}},
        {"socket", Type::kText}}},
      {"PUT",
       "/network-interfaces/*",
       When::kBeforeStart,
       {{"iface_id", Type::kText, true},
        {"host_dev_name", Type::kText, true},
        {"guest_mac", Type::kText},
        {"mtu", Type::kNumber, false, {}, 68, 65535},
        {"rx_rate_limiter", Type::kObject, false, {}, 0, 0, kRate},
        {"tx_rate_limiter", Type::kObject, false, {}, 0, 0, kRate}}},
      {"PUT",
       "/vsock",
       When::kBeforeStart,
       {{"guest_cid", Type::kNumber, true, {}, 3, 4294967295.0},
        {"uds_path", Type::kText, true},
        {"vsock_id", Type::kText}}},
      {"PUT",
       "/entropy",
       When::kBeforeStart,
       {{"rate_limiter", Type::kObject, false, {}, 0, 0, kRate}}},
      {"PUT",
       "/actions",
       When::kBeforeStart,
       {{"action_type", Type::kText, true, {"FlushMetrics", "InstanceStart", "SendCtrlAltDel"}}}},
      {"PATCH", "/vm", When::kAfterStart, {{"state", Type::kText, true, {"Paused", "Resumed"}}}},
      {"PUT",
       "/snapshot/create",
       When::kAfterStart,
       {{"mem_file_path", Type::kText, true},
        {"snapshot_path", Type::kText, true},
        {"snapshot_type", Type::kText, false, {"Full", "Diff"}}}},
      {"PUT",
       "/snapshot/load",
       When::kFirst,
       {{"snapshot_path", Type::kText, true},
        {"mem_backend",
         Type::kObject,
         false,
         {},
         0,
         0,
         {{"backend_type", Type::kText, true, {"File", "Uffd"}},
          {"backend_path", Type::kText, true}}},
        {"resume_vm", Type::kTruth},
        {"track_dirty_pages", Type::kTruth},
        {"network_overrides", Type::kObject},
        {"vsock_override", Type::kObject, false, {}, 0, 0, {{"uds_path", Type::kText, true}}}}},
  };
  return all;
}

// What is wrong with an object; nothing where it is right.
inline std::string Fault(const Json& object, const std::vector<Field>& fields) {
  if (!object.is_object()) return "it is no object";
  std::set<std::string> known;
  for (const Field& field : fields) {
    known.insert(field.name);
    const auto found = object.find(field.name);
    const std::string name = field.name;
    if (found == object.end()) {
      if (field.required) return "missing field `" + name + "`";
      continue;
    }
    const bool fits = field.type == Type::kText     ? found->is_string()
                      : field.type == Type::kNumber ? found->is_number_unsigned()
                      : field.type == Type::kTruth  ? found->is_boolean()
                                                    : found->is_object();
    if (!fits) return "invalid type of `" + name + "`";
    if (!field.values.empty() && !std::ranges::count(field.values, found->get<std::string>()))
      return "unknown value of `" + name + "`";
    if (field.type == Type::kNumber &&
        (found->get<double>() < field.least || found->get<double>() > field.most))
      return "`" + name + "` is out of range";
    if (!field.inner.empty())
      if (const std::string fault = Fault(*found, field.inner); !fault.empty()) return fault;
  }
  for (const auto& [name, value] : object.items())
    if (!known.contains(name)) return "unknown field `" + name + "`";
  return "";
}

// The state of a monitor, as far as it says which requests it takes.
struct State {
  bool started = false, paused = false, configured = false;
  std::set<std::string> drives;
};

inline std::string Apply(State& state, const std::string& method, const std::string& path,
                         const std::string& body) {
  const bool drive = path.starts_with("/drives/");
  const bool network = path.starts_with("/network-interfaces/");
  const std::string kind = drive ? "/drives/*" : network ? "/network-interfaces/*" : path;
  for (const Operation& operation : Operations()) {
    if (method != operation.method || kind != operation.path) continue;
    const Json json = Json::parse(body, nullptr, false);
    if (json.is_discarded()) return "the body is no JSON";
    if (std::string fault = Fault(json, operation.fields); !fault.empty()) return fault;
    if (drive && json["drive_id"] != path.substr(8))
      return "the id of the drive is not that of the path";
    if (network && json["iface_id"] != path.substr(20))
      return "the id of the interface is not that of the path";
    if ((operation.when == When::kAfterStart) != state.started)
      return state.started ? "not supported after starting the microVM"
                           : "not supported before starting the microVM";
    if (operation.when == When::kFirst && state.configured)
      return "loading a snapshot is not allowed after configuring";
    if (path == "/snapshot/create" && !state.paused) return "the microVM is not paused";
    if (path == "/vm") state.paused = json["state"] == "Paused";
    if (path == "/actions" && json["action_type"] == "InstanceStart") state.started = true;
    if (path == "/snapshot/load") state.started = true;
    if (path != "/logger" && path != "/metrics") state.configured = true;
    return "";
  }
  return "Invalid request method and/or path: " + method + " " + path;
}

// A monitor at the other end of a socket. What `wrong` has for a path is answered as it stands, and
// with an empty text nothing is.
using Answers = std::map<std::string, std::string>;

class Monitor {
 public:
  explicit Monitor(Answers wrong = {}) : wrong_(std::move(wrong)) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    ours_ = base::UniqueFd(ends[0]);
    theirs_ = base::UniqueFd(ends[1]);
    thread_ = std::thread([this] { Serve(); });
  }
  ~Monitor() { Join(); }
  base::UniqueFd Connect() { return std::move(theirs_); }
  // The requests that it has heard, once nobody asks any more.
  const std::vector<ApiRequest>& Join() {
    theirs_.Reset();
    ::shutdown(ours_.Get(), SHUT_RD);
    if (thread_.joinable()) thread_.join();
    return heard_;
  }
  const State& Is() const { return state_; }

 private:
  // One request; false at the end.
  bool Hear(std::string& buffered, ApiRequest& request) {
    std::size_t end = std::string::npos, length = 0;
    for (;;) {
      end = buffered.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = buffered.find("Content-Length: ");
        length = at < end ? std::stoul(buffered.substr(at + 16)) : 0;
        if (buffered.size() >= end + 4 + length) break;
      }
      std::array<char, 4096> piece;
      const ssize_t count = ::recv(ours_.Get(), piece.data(), piece.size(), 0);
      if (count <= 0) return false;
      buffered.append(piece.data(), static_cast<std::size_t>(count));
    }
    const std::size_t first = buffered.find(' '), second = buffered.find(' ', first + 1);
    request = {buffered.substr(0, first), buffered.substr(first + 1, second - first - 1),
               buffered.substr(end + 4, length)};
    buffered.erase(0, end + 4 + length);
    return true;
  }
  bool Say(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t count = ::send(ours_.Get(), text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (count <= 0) return false;
      at += static_cast<std::size_t>(count);
    }
    return true;
  }
  void Serve() {
    std::string buffered;
    for (ApiRequest request; Hear(buffered, request);) {
      heard_.push_back(request);
      if (const auto answer = wrong_.find(request.path); answer != wrong_.end()) {
        if (answer->second == "close") {
          ::shutdown(ours_.Get(), SHUT_RDWR);
          return;
        }
        if (!Say(answer->second)) return;
        continue;
      }
      const std::string fault = Apply(state_, request.method, request.path, request.body);
      const std::string body = Json{{"fault_message", fault}}.dump();
      const std::string answer =
          fault.empty()
              ? "HTTP/1.1 204 \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n\r\n"
              : "HTTP/1.1 400 \r\nServer: Firecracker API\r\nConnection: keep-alive\r\n"
                "Content-Type: application/json\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body;
      if (!Say(answer)) return;
    }
  }

  Answers wrong_;
  base::UniqueFd ours_, theirs_;
  std::vector<ApiRequest> heard_;
  State state_;
  std::thread thread_;
};

}  // namespace bailey::microvm::contract
