// Firecracker's client and its vsock, with monitors that answer as documented, refuse, lie, flood,
// stall and go away.
#include "microvm/firecracker_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <filesystem>

#include "microvm/firecracker_contract_test.h"
#include "microvm/vsock.h"
#include "os/vmm.h"

namespace bailey::microvm {
namespace {

using namespace std::chrono_literals;

FirecrackerPlan SomePlan() {
  FirecrackerPlan plan;
  plan.kernel = "/vmlinux";
  plan.initramfs = "/initramfs";
  plan.log = "/log";
  plan.metrics = "/metrics";
  plan.drives = {{"drive0", "/drive0", false}};
  plan.vsock = "/line";
  return plan;
}

// The first error of all requests; how many were answered.
std::pair<std::string, std::size_t> SendAll(contract::Monitor& monitor,
                                            const std::vector<ApiRequest>& requests,
                                            std::chrono::milliseconds patience = 60s) {
  auto client = FirecrackerClient::Make(monitor.Connect());
  EXPECT_TRUE(client);
  std::size_t answered = 0;
  for (const ApiRequest& request : requests) {
    if (const auto sent = client->Send(request, patience); !sent)
      return {sent.error().text, answered};
    ++answered;
  }
  return {"", answered};
}

TEST(FirecrackerClient, AMonitorHearsWhatWasPlannedAndStarts) {
  contract::Monitor monitor;
  const auto requests = BootRequests(SomePlan());
  ASSERT_TRUE(requests);
  EXPECT_EQ(SendAll(monitor, *requests), std::pair(std::string(), requests->size()));
  EXPECT_EQ(monitor.Join(), *requests);
  EXPECT_TRUE(monitor.Is().started);
}

TEST(FirecrackerClient, WhatAMonitorRefusesIsSaidInItsWords) {
  contract::Monitor monitor;
  const std::pair<ApiRequest, std::string> rows[] = {
      {{"PUT", "/vsock", R"({"guest_cid":2,"uds_path":"/line"})"},
       "ask Firecracker PUT /vsock: it answered 400: `guest_cid` is out of range"},
      {{"PUT", "/machine-config", R"({"vcpu_count":1})"},
       "ask Firecracker PUT /machine-config: it answered 400: missing field `mem_size_mib`"},
      {{"PUT", "/metrics", R"({"metrics_path":"/m","x":1})"},
       "ask Firecracker PUT /metrics: it answered 400: unknown field `x`"},
      {{"PUT", "/snapshot/create", R"({"mem_file_path":"/m","snapshot_path":"/s"})"},
       "ask Firecracker PUT /snapshot/create: it answered 400: not supported before starting the "
       "microVM"},
      {{"PUT", "/nothing", "{}"},
       "ask Firecracker PUT /nothing: it answered 400: Invalid request method and/or path: PUT "
       "/nothing"}};
  auto client = FirecrackerClient::Make(monitor.Connect());
  ASSERT_TRUE(client);
  for (const auto& [request, text] : rows) {
    const auto sent = client->Send(request, 60s);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().text, text);
    EXPECT_EQ(sent.error().code, base::ErrorCode::kUnsupported);
  }
}

// All that is asked of a machine that is copied, and of a copy.
std::vector<ApiRequest> RequestsOfASnapshot() {
  auto requests = *BootRequests(SomePlan());
  const auto copied = *SnapshotRequests({"/state", "/memory"});
  requests.insert(requests.end(), copied.begin(), copied.end());
  return requests;
}
std::vector<ApiRequest> RequestsOfACopy() {
  return *RestoreRequests({{"/state", "/memory"}, "/log", "/metrics", "/line"});
}

TEST(FirecrackerClient, ASnapshotIsMadeOfAMachineThatGoesOnAndAnotherBeginsAsIt) {
  contract::Monitor first, second;
  EXPECT_EQ(SendAll(first, RequestsOfASnapshot()).first, "");
  first.Join();
  EXPECT_TRUE(first.Is().started);
  EXPECT_FALSE(first.Is().paused);
  EXPECT_EQ(SendAll(second, RequestsOfACopy()).first, "");
  second.Join();
  EXPECT_TRUE(second.Is().started);
}

// By the description each request is answered with 204, with 400 or with any other code, both of
// which say why.
TEST(FirecrackerClient, WhicheverRequestIsRefusedIsTheLastOne) {
  for (const auto& requests : {RequestsOfASnapshot(), RequestsOfACopy()}) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto& [method, path, body] = requests[i];
      if (!seen.insert(path).second) continue;
      for (const char* const status : {"400 Bad Request", "500 Internal Server Error"}) {
        contract::Monitor monitor(contract::Answers{
            {path, std::string("HTTP/1.1 ") + status +
                       "\r\nContent-Length: 22\r\n\r\n{\"fault_message\":\"no\"}"}});
        EXPECT_EQ(SendAll(monitor, requests),
                  std::pair("ask Firecracker " + method + " " + path + ": it answered " +
                                std::string(status, 3) + ": no",
                            i));
        EXPECT_EQ(monitor.Join().size(), i + 1);
      }
    }
  }
}

TEST(FirecrackerClient, WhateverAMonitorAnswersIsOneLineAndBounded) {
  const std::string asked = "ask Firecracker PUT /vsock: ";
  const std::string json = R"({"fault_message":"bad\nnews"})";
  const std::pair<std::string, std::string> rows[] = {
      {"close", "it has closed the connection"},
      {"HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n", "it answered 500: it does not say why"},
      {"HTTP/1.1 400 \r\nContent-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json,
       "it answered 400: bad\\nnews"},
      {"HTTP/1.1 400 \r\nContent-Length: 5\r\n\r\n[[[[[", "it answered 400: [[[[["},
      {"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}", "it answered 200: {}"},
      {"HTTP/1.1 100 \r\n\r\n", "it answered 100: it does not say why"},
      {"HTTP/1.1 400 \r\nContent-Length: 400\r\n\r\n" + std::string(400, 'x'),
       "it answered 400: " + std::string(300, 'x') + "..."},
      {"HTTP/1.1 204 \r\n\r\nHTTP/1.1 204 \r\n\r\n", "it has said more than was asked"},
      {"HTTP/1.1 400 \r\nContent-Length: 99999999999\r\n\r\n", "its answer is too long"},
      {"HTTP/1.1 400 \r\n\r\n" + std::string(1 << 20, 'x'), "its answer is too long"},
      {"HTTP/1.1 400 \r\nX: " + std::string(1 << 20, 'x'), "its answer is too long"},
  };
  for (const auto& [answer, text] : rows) {
    contract::Monitor monitor(contract::Answers{{"/vsock", answer}});
    const auto requests = BootRequests(SomePlan());
    const auto [error, answered] = SendAll(monitor, *requests);
    EXPECT_EQ(error, asked + text);
    EXPECT_EQ(answered, 5u);
  }
  contract::Monitor nonsense(contract::Answers{{"/logger", "SSH-2.0-OpenSSH_9.2\r\n"}});
  const std::string error = SendAll(nonsense, *BootRequests(SomePlan())).first;
  EXPECT_TRUE(error.starts_with("ask Firecracker PUT /logger: its answer is not HTTP: ")) << error;
}

TEST(FirecrackerClient, AMonitorThatHangsCostsBoundedTime) {
  for (const std::string& answer : {std::string(), std::string("HTTP/1.1 2")}) {
    contract::Monitor monitor(contract::Answers{{"/logger", answer}});
    EXPECT_EQ(SendAll(monitor, *BootRequests(SomePlan()), 200ms),
              std::pair(std::string("ask Firecracker PUT /logger: no answer within 200 ms"),
                        std::size_t{0}));
  }
}

class Vsock : public ::testing::Test {
 protected:
  Vsock() {
    char name[] = "/tmp/bailey-vsock-XXXXXX";
    path_ = ::mkdtemp(name);
    directory_ = base::UniqueFd(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~Vsock() override { std::filesystem::remove_all(path_); }
  // The next connection is answered so, once what was asked is read.
  static std::thread Answer(base::UniqueFd& end, const std::string& answer) {
    return std::thread([&end, answer] {
      char asked[32] = {};
      const ssize_t count = ::recv(end.Get(), asked, sizeof(asked), 0);
      EXPECT_EQ(std::string(asked, static_cast<std::size_t>(std::max<ssize_t>(count, 0))),
                "CONNECT 1024\n");
      (void)::send(end.Get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      ::shutdown(end.Get(), SHUT_WR);
    });
  }
  std::string path_;
  base::UniqueFd directory_;
};

TEST_F(Vsock, APortOfTheGuestIsAskedForAndWhatFollowsIsTheGuests) {
  const std::tuple<std::string, bool, std::string> rows[] = {
      {"OK 1073741824\nhello", true, ""},
      {"", false, ""},
      {"OK\n", false, "connect to the guest: its monitor answered \"OK\""},
      {"OK x\n", false, "connect to the guest: its monitor answered \"OK x\""},
      {"NO 1\n", false, "connect to the guest: its monitor answered \"NO 1\""},
      {"OK 1", false, "connect to the guest: its monitor answered \"OK 1\""},
      {std::string(1000, 'x'), false,
       "connect to the guest: its monitor answered \"" + std::string(33, 'x') + "\""}};
  for (const auto& [answer, connected, error] : rows) {
    auto ends = os::MakeStreamPair();
    ASSERT_TRUE(ends);
    std::thread other = Answer((*ends)[1], answer);
    const auto asked = AskForPort((*ends)[0].Get(), 1024, std::chrono::steady_clock::now() + 60s);
    other.join();
    EXPECT_EQ(asked ? "" : asked.error().text, error);
    EXPECT_EQ(asked && *asked, connected);
    if (!connected) continue;
    char rest[16] = {};
    EXPECT_EQ(::recv((*ends)[0].Get(), rest, sizeof(rest), 0), 5);
    EXPECT_STREQ(rest, "hello");
  }
}

TEST_F(Vsock, AMonitorThatDoesNotAnswerCostsBoundedTime) {
  auto ends = os::MakeStreamPair();
  ASSERT_TRUE(ends);
  const auto asked = AskForPort((*ends)[0].Get(), 1024, std::chrono::steady_clock::now() + 100ms);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().text, "connect to the guest: its monitor does not answer");
}

TEST_F(Vsock, ASocketThatIsNotThereYetIsNoErrorAndALinkToAnotherIsOne) {
  const auto none = ConnectBeneath(directory_.Get(), "line");
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  base::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string place = path_ + "/line";
  std::ranges::copy(place, address.sun_path);
  ASSERT_EQ(::bind(listener.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const auto deaf = ConnectBeneath(directory_.Get(), "line");
  ASSERT_TRUE(deaf);
  EXPECT_FALSE(deaf->has_value());
  ASSERT_EQ(::listen(listener.Get(), 1), 0);
  const auto heard = ConnectBeneath(directory_.Get(), "line");
  ASSERT_TRUE(heard);
  EXPECT_TRUE(heard->has_value());
  ASSERT_EQ(::symlink("line", (path_ + "/link").c_str()), 0);
  const auto link = ConnectBeneath(directory_.Get(), "link");
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().text, "connect to link: Too many levels of symbolic links");
}

}  // namespace
}  // namespace bailey::microvm
