// Firecracker's machine as the requests that make it, decided before anything is started. Names of
// files are those inside its jail (firecracker_jail.h).
//
//   for (const ApiRequest& request : *BootRequests(plan)) client.Send(request, deadline);
//
// Each request is what the published description of Firecracker 1.16's API asks for; the order is
// the one in which Firecracker takes them: whatever a machine has, before it starts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace bailey::microvm {

struct ApiRequest {
  std::string method, path, body;  // the body is JSON
  bool operator==(const ApiRequest&) const = default;
};

struct ApiDrive {
  std::string id;  // letters, digits and underscores
  std::string file;
  bool write = false;
  bool operator==(const ApiDrive&) const = default;
};

struct ApiInterface {
  std::string id;      // as of a drive
  std::string device;  // the TAP's name, in the namespace that the monitor is in
  std::string link;    // the guest's link address
  bool operator==(const ApiInterface&) const = default;
};

struct FirecrackerPlan {
  std::uint64_t memory_mib = 256;
  std::uint32_t processors = 1;
  std::string kernel, initramfs, boot;  // `boot`: the kernel's command line
  std::string log, metrics;             // FIFOs, of which what nobody reads is lost
  std::vector<ApiDrive> drives;
  std::optional<ApiInterface> network;
  std::string vsock;  // the socket that leads to the guest's
  std::uint32_t guest_cid = 3;
  bool operator==(const FirecrackerPlan&) const = default;
};
// logger, metrics, machine-config, boot-source, drives, network-interfaces, vsock, entropy,
// InstanceStart.
// kInvalidInput for what Firecracker would refuse, or could take for something else.
base::Result<std::vector<ApiRequest>> BootRequests(const FirecrackerPlan& plan);

struct SnapshotFiles {
  std::string state, memory;
  bool operator==(const SnapshotFiles&) const = default;
};
// Of a machine that runs, and goes on running afterwards.
base::Result<std::vector<ApiRequest>> SnapshotRequests(const SnapshotFiles& files);

struct RestorePlan {
  SnapshotFiles files;
  std::string log, metrics;
  std::string vsock;  // in the place of the snapshot's own
  bool operator==(const RestorePlan&) const = default;
};
// Of a monitor that has been asked nothing yet. The machine runs when the last one is answered.
base::Result<std::vector<ApiRequest>> RestoreRequests(const RestorePlan& plan);

// "PUT /vsock {...}", a line each.
std::string ToString(const std::vector<ApiRequest>& requests);

}  // namespace bailey::microvm
