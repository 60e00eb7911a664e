#include "microvm/firecracker_request.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "microvm/firecracker_contract_test.h"

namespace bailey::microvm {
namespace {

FirecrackerPlan SomePlan() {
  FirecrackerPlan plan;
  plan.memory_mib = 512;
  plan.kernel = "/vmlinux";
  plan.initramfs = "/initramfs";
  plan.boot = "quiet panic=-1";
  plan.log = "/log";
  plan.metrics = "/metrics";
  plan.drives = {{"drive0", "/drive0", false}, {"drive1", "/drive1", true}};
  plan.network = {"eth0", "guest", "02:ba:11:e7:00:02"};
  plan.vsock = "/line";
  return plan;
}

// What is wrong with requests in this order; nothing where a monitor takes them all.
std::string Faults(const std::vector<ApiRequest>& requests, contract::State state = {}) {
  for (const ApiRequest& request : requests)
    if (std::string fault = contract::Apply(state, request.method, request.path, request.body);
        !fault.empty())
      return request.path + ": " + fault;
  return "";
}

TEST(FirecrackerRequest, AMachineInTheOrderInWhichItIsMade) {
  const auto requests = BootRequests(SomePlan());
  ASSERT_TRUE(requests);
  EXPECT_EQ(
      ToString(*requests),
      R"(PUT /logger {"log_path":"/log","level":"Warning","show_level":false,"show_log_origin":false}
PUT /metrics {"metrics_path":"/metrics"}
PUT /machine-config {"vcpu_count":1,"mem_size_mib":512,"smt":false,"track_dirty_pages":false}
PUT /boot-source {"kernel_image_path":"/vmlinux","initrd_path":"/initramfs","boot_args":"quiet panic=-1"}
PUT /drives/drive0 {"drive_id":"drive0","path_on_host":"/drive0","is_root_device":false,"is_read_only":true,"cache_type":"Unsafe","io_engine":"Sync"}
PUT /drives/drive1 {"drive_id":"drive1","path_on_host":"/drive1","is_root_device":false,"is_read_only":false,"cache_type":"Unsafe","io_engine":"Sync"}
PUT /network-interfaces/eth0 {"iface_id":"eth0","guest_mac":"02:ba:11:e7:00:02","host_dev_name":"guest"}
PUT /vsock {"guest_cid":3,"uds_path":"/line"}
PUT /entropy {}
PUT /actions {"action_type":"InstanceStart"}
)");
  EXPECT_EQ(Faults(*requests), "");
}

TEST(FirecrackerRequest, ASnapshotAndTheWayBack) {
  const auto snapshot = SnapshotRequests({"/state", "/memory"});
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(ToString(*snapshot),
            R"(PATCH /vm {"state":"Paused"}
PUT /snapshot/create {"snapshot_type":"Full","snapshot_path":"/state","mem_file_path":"/memory"}
PATCH /vm {"state":"Resumed"}
)");
  EXPECT_EQ(Faults(*snapshot, {.started = true}), "");
  EXPECT_EQ(Faults(*snapshot), "/vm: not supported before starting the microVM");
  const auto restore = RestoreRequests({{"/state", "/memory"}, "/log", "/metrics", "/line"});
  ASSERT_TRUE(restore);
  EXPECT_EQ(
      ToString(*restore),
      R"(PUT /logger {"log_path":"/log","level":"Warning","show_level":false,"show_log_origin":false}
PUT /metrics {"metrics_path":"/metrics"}
PUT /snapshot/load {"snapshot_path":"/state","mem_backend":{"backend_type":"File","backend_path":"/memory"},"resume_vm":true,"vsock_override":{"uds_path":"/line"}}
)");
  EXPECT_EQ(Faults(*restore), "");
  EXPECT_EQ(Faults(*restore, {.configured = true}),
            "/snapshot/load: loading a snapshot is not allowed after configuring");
}

TEST(FirecrackerRequest, WhatFirecrackerWouldRefuseIsNotAsked) {
  const auto refused = [](const std::function<void(FirecrackerPlan&)>& change) {
    FirecrackerPlan plan = SomePlan();
    change(plan);
    const auto requests = BootRequests(plan);
    return requests ? "" : requests.error().text;
  };
  const std::string planned = "plan a machine of Firecracker: ";
  const std::pair<std::function<void(FirecrackerPlan&)>, std::string> rows[] = {
      {[](auto& plan) { plan.processors = 0; }, "processors must be 1 to 32"},
      {[](auto& plan) { plan.processors = 33; }, "processors must be 1 to 32"},
      {[](auto& plan) { plan.memory_mib = 0; }, "memory must be 1 to 4294967296 MiB"},
      {[](auto& plan) { plan.guest_cid = 2; }, "guest_cid must be 3 to 4294967294"},
      {[](auto& plan) { plan.guest_cid = UINT32_MAX; }, "guest_cid must be 3 to 4294967294"},
      {[](auto& plan) { plan.kernel = ""; }, "kernel has no file"},
      {[](auto& plan) { plan.log = std::string("a\0b", 3); }, "log has a name with a null in it"},
      {[](auto& plan) { plan.boot = std::string(2048, 'a'); },
       "the kernel's command line is longer than 2047 bytes"},
      {[](auto& plan) { plan.boot = "a\nb"; },
       "the kernel's command line has a character that is not printable ASCII"},
      {[](auto& plan) { plan.vsock = std::string(108, 'a'); },
       "vsock has a name longer than 107 bytes"},
      {[](auto& plan) { plan.drives[0].id = "../vm"; },
       "drive \"../vm\" has an id of more than letters, digits and underscores, at most 64"},
      {[](auto& plan) { plan.network->id = "../eth0"; },
       "network has an id of more than letters and digits"},
      {[](auto& plan) { plan.network->device = "sixteen_letters_"; },
       "network has a device of more than 15 letters and digits"},
      {[](auto& plan) { plan.network->device = "a/b"; },
       "network has a device of more than 15 letters and digits"},
      {[](auto& plan) { plan.network->link = "02:ba:11:e7:00"; }, "network has no link address"},
      {[](auto& plan) { plan.network->link = "02:ba:11:e7:00:0g"; }, "network has no link address"},
      {[](auto& plan) { plan.drives[1].id = "drive0"; }, "drive drive0 is there twice"},
      {[](auto& plan) { plan.drives[1].file = ""; }, "drive drive1 has no file"},
      {[](auto& plan) { plan.kernel = "\xff"; }, "/boot-source would say what is not UTF-8"},
      {[](auto& plan) { plan.kernel = std::string(60'000, 'a'); },
       "/boot-source would say more than 51200 bytes"},
  };
  for (const auto& [change, text] : rows) EXPECT_EQ(refused(change), planned + text);
}

// Texts that are right, nearly right and wrong in every way.
rc::Gen<std::string> AnyText() {
  return rc::gen::oneOf(
      rc::gen::arbitrary<std::string>(),
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("abz09_-./\"\\{}\n\t '\x7f"))),
      rc::gen::element<std::string>("drive0", "a", "/vmlinux", "\",\"is_read_only\":false,\"x\":\"",
                                    "é", "\xed\xa0\x80", "../../vm", "%2e%2e"));
}

TEST(FirecrackerRequest, WhateverIsPlannedIsAnErrorOrWhatFirecrackerTakes) {
  const bool held = rc::check("requests are valid, and say what the plan does", [] {
    FirecrackerPlan plan = SomePlan();
    if (*rc::gen::inRange(0, 8) == 0) {
      plan.memory_mib = *rc::gen::arbitrary<std::uint64_t>();
      plan.processors = *rc::gen::inRange(0u, 40u);
      plan.guest_cid = *rc::gen::arbitrary<std::uint32_t>();
    }
    for (std::string* text :
         {&plan.kernel, &plan.initramfs, &plan.boot, &plan.log, &plan.metrics, &plan.vsock})
      if (*rc::gen::inRange(0, 24) == 0) *text = *AnyText();
    if (*rc::gen::inRange(0, 3) == 0) plan.network.reset();
    if (plan.network && *rc::gen::inRange(0, 8) == 0)
      for (std::string* text : {&plan.network->id, &plan.network->device, &plan.network->link})
        if (*rc::gen::arbitrary<bool>()) *text = *AnyText();
    plan.drives.clear();
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
      plan.drives.push_back({*rc::gen::weightedOneOf<std::string>(
                                 {{1, AnyText()}, {7, rc::gen::just("drive" + std::to_string(i))}}),
                             *AnyText(), *rc::gen::arbitrary<bool>()});
    const auto requests = BootRequests(plan);
    RC_CLASSIFY(requests.has_value(), "taken");
    if (!requests) {
      RC_ASSERT(requests.error().text.find('\n') == std::string::npos);
      RC_ASSERT(requests.error().text.size() < 400u);
      return;
    }
    RC_ASSERT(Faults(*requests) == "");
    RC_ASSERT(requests->size() == plan.drives.size() + 7 + (plan.network ? 1 : 0));
    if (plan.network) {
      const ApiRequest& request = (*requests)[4 + plan.drives.size()];
      RC_ASSERT(request.path == "/network-interfaces/" + plan.network->id);
      const auto network = contract::Json::parse(request.body);
      RC_ASSERT(network["host_dev_name"] == plan.network->device);
      RC_ASSERT(network["guest_mac"] == plan.network->link);
    }
    const auto boot = contract::Json::parse((*requests)[3].body);
    RC_ASSERT(boot["kernel_image_path"] == plan.kernel);
    RC_ASSERT(boot["boot_args"] == plan.boot);
    for (std::size_t i = 0; i < plan.drives.size(); ++i) {
      const ApiRequest& request = (*requests)[4 + i];
      RC_ASSERT(request.path == "/drives/" + plan.drives[i].id);
      const auto drive = contract::Json::parse(request.body);
      RC_ASSERT(drive["path_on_host"] == plan.drives[i].file);
      RC_ASSERT(drive["is_read_only"] == !plan.drives[i].write);
    }
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace bailey::microvm
