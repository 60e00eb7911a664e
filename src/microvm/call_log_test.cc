// What a guest may say of the calls that its filter denies, and what becomes of it.
#include "microvm/call_log.h"

#include <gtest/gtest.h>

#include <mutex>

#include "abi/syscalls.h"

namespace bailey::microvm {
namespace {

constexpr std::uint32_t kX86_64 = 0xc000003e;

// mount(2) is handed over with EPERM, unshare(2) with going on; all else is allowed.
bpf::Program Filter() {
  const std::uint32_t mount = *abi::Number(abi::Arch::kX86_64, "mount");
  const std::uint32_t unshare = *abi::Number(abi::Arch::kX86_64, "unshare");
  return *bpf::Validate({{bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
                         {bpf::kJeq, 2, 0, mount},
                         {bpf::kJeq, 2, 0, unshare},
                         {bpf::kReturn, 0, 0, 0x7fff0000},
                         {bpf::kReturn, 0, 0, 0x7fc00001},
                         {bpf::kReturn, 0, 0, 0x7fc0ffff}});
}

bpf::SeccompData Call(const char* name, std::uint64_t first = 0) {
  return {*abi::Number(abi::Arch::kX86_64, name), kX86_64, 0, {first}};
}

struct Collected {
  std::mutex mutex;
  std::vector<audit::Event> events;
};

class Collector : public audit::Sink {
 public:
  explicit Collector(Collected& to) : to_(to) {}
  std::string_view Name() const override { return "collector"; }
  void Write(const audit::Event& event) override {
    const std::lock_guard lock(to_.mutex);
    to_.events.push_back(event);
  }

 private:
  Collected& to_;
};

TEST(CallLog, CountsWhatTheGuestCounts) {
  CallLog calls({}, Filter());
  EXPECT_TRUE(calls.Take(guest::Denied{0, 0, 3, Call("mount")}));
  EXPECT_TRUE(calls.Take(guest::Denied{7, 1, 9, Call("mount", 1)}));
  EXPECT_TRUE(calls.Take(guest::Denied{0, 0, 5, Call("mount")}));
  EXPECT_TRUE(calls.Take(guest::Missed{4, 1}));
  const auto heard = calls.Heard();
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].count, 9u);
  EXPECT_TRUE(heard[0].is_rest);
  EXPECT_EQ(heard[1].count, 5u);
  EXPECT_EQ(heard[1].example, Call("mount"));
  EXPECT_EQ(heard[1].returned, 0x7fc00001u);
  EXPECT_EQ(calls.Missed(), (guest::Missed{4, 1}));
}

TEST(CallLog, AGuestThatLiesIsNotBelieved) {
  const std::string no_denial = "hear the guest: it tells of a call that its filter does not deny";
  const std::string other = "hear the guest: a count of denied calls is not what it was";
  CallLog calls({}, Filter());
  ASSERT_TRUE(calls.Take(guest::Denied{0, 0, 3, Call("mount")}));
  ASSERT_TRUE(calls.Take(guest::Missed{4, 1}));
  const std::pair<base::Status, std::string> rows[] = {
      {calls.Take(guest::Denied{1, 0, 1, Call("getpid")}), no_denial},
      {calls.Take(guest::Denied{1, 0, 1, Call("unshare")}), no_denial},
      {calls.Take(guest::Denied{guest::Denied::kMostRows, 0, 1, Call("mount")}), no_denial},
      {calls.Take(guest::Denied{0, 0, 2, Call("mount")}), other},
      {calls.Take(guest::Denied{0, 0, 4, Call("mount", 1)}), other},
      {calls.Take(guest::Missed{3, 1}), other},
      {calls.Take(guest::Missed{4, 0}), other},
  };
  for (const auto& [status, want] : rows) {
    ASSERT_FALSE(status) << want;
    EXPECT_EQ(status.error().code, base::ErrorCode::kViolation);
    EXPECT_EQ(status.error().text, want);
  }
  ASSERT_EQ(calls.Heard().size(), 1u);
  EXPECT_EQ(calls.Heard()[0].count, 3u);
}

TEST(CallLog, SingleCallsBecomeEvents) {
  Collected collected;
  std::vector<std::unique_ptr<audit::Sink>> sinks;
  sinks.push_back(std::make_unique<Collector>(collected));
  audit::Trail trail("machine", {.rate = 1, .burst = 2}, std::move(sinks));
  int asked = 0;
  CallLog calls({.trail = &trail,
                 .explain =
                     [&asked](const bpf::SeccompData&) {
                       ++asked;
                       return audit::Rule{"deny of test", "test.toml:1:1"};
                     }},
                Filter());
  guest::Called called = {Call("mount", 0x7000), 12, "/usr/bin/m\nt", {}};
  const std::string path(guest::Called::kMostText, 'a');
  called.texts[0] = {0, path};
  called.texts[1] = {9, "of no argument"};
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(calls.Take(called));
  // Beyond the rate nothing is looked at.
  called.data = Call("getpid");
  ASSERT_TRUE(calls.Take(called));
  const audit::Totals totals = trail.Close();
  EXPECT_EQ(totals.over_rate, 1u);
  EXPECT_EQ(asked, 1);
  ASSERT_EQ(collected.events.size(), 3u);  // and one that says what was dropped
  const audit::Event& event = collected.events[0];
  EXPECT_EQ(event.decision, audit::Decision::kDenied);
  EXPECT_EQ(event.task, (audit::Task{0, 12, "/usr/bin/m\\nt"}));
  EXPECT_EQ(event.rule, (audit::Rule{"deny of test", "test.toml:1:1"}));
  const auto& call = std::get<audit::Call>(event.detail);
  EXPECT_EQ(call.name, "mount");
  EXPECT_EQ(call.answer, "EPERM");
  ASSERT_FALSE(call.arguments.empty());
  EXPECT_EQ(call.arguments[0], (audit::Argument{"dev_name", path, true}));
}

TEST(CallLog, AFileThatACallNamesIsJudgedByThePlanAlone) {
  const sandbox::RootPlan root = {
      .steps = {sandbox::TmpfsMount{.target = "/", .seal = true}, sandbox::MakeDirectory{"/usr"},
                sandbox::BindMount{.source = "/usr", .target = "/usr"}}};
  sandbox::FileWitness files(root);
  const std::uint32_t openat = *abi::Number(abi::Arch::kX86_64, "openat");
  const auto filter = *bpf::Validate({{bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
                                      {bpf::kJeq, 0, 1, openat},
                                      {bpf::kReturn, 0, 0, 0x7fc0ffff},
                                      {bpf::kReturn, 0, 0, 0x7fc00001}});
  const auto used = [&](const char* call, const char* path, std::uint8_t slot = 1) {
    guest::Used one = {
        {*abi::Number(abi::Arch::kX86_64, call), kX86_64, 0, {0, 0, 1}}, 12, "/a", {}};
    one.names[0] = {slot, 0, path};
    return one;
  };
  CallLog calls({.files = &files}, filter);
  EXPECT_TRUE(calls.Take(used("openat", "/usr/new")));
  EXPECT_TRUE(calls.Take(used("openat", "/usr/../usr/new")));
  EXPECT_TRUE(calls.Take(used("openat", "/usr/new", 3)));  // no path of this call
  EXPECT_TRUE(calls.Take(used("openat", "relative")));
  EXPECT_EQ(files.Total(), 2u);
  const std::string want = "hear the guest: it tells of a file that no call of its filter names";
  CallLog deaf({}, filter);
  for (const base::Status& lie :
       {calls.Take(used("mkdirat", "/usr/new")), deaf.Take(used("openat", "/usr/new"))}) {
    ASSERT_FALSE(lie);
    EXPECT_EQ(lie.error().code, base::ErrorCode::kViolation);
    EXPECT_EQ(lie.error().text, want);
  }
  EXPECT_EQ(files.Total(), 2u);
}

TEST(CallLog, AGuestLearnsWhichArgumentsNameFiles) {
  const auto namings = CallNamings();
  EXPECT_TRUE(std::ranges::is_sorted(
      namings, {}, [](const auto& one) { return std::pair(one.arch, one.number); }));
  EXPECT_LE(namings.size(), 512u);  // of guest::Command
  const auto has = [&](const char* name, guest::Naming wanted) {
    wanted.arch = kX86_64;
    wanted.number = *abi::Number(abi::Arch::kX86_64, name);
    return std::ranges::count(namings, wanted) == 1;
  };
  EXPECT_TRUE(has("openat", {0, 0, 1, 0, 2, 0}));
  EXPECT_TRUE(has("open", {0, 0, 0, guest::kNoSlot, 1, 0}));
  EXPECT_TRUE(has("renameat2", {0, 0, 1, 0, guest::kNoSlot, 1}));
  EXPECT_TRUE(has("renameat2", {0, 0, 3, 2, guest::kNoSlot, 1}));
  EXPECT_TRUE(has("execve", {0, 0, 0, guest::kNoSlot, guest::kNoSlot, 0}));
}

TEST(CallLog, AChangeOfTheNetworkIsAnEventOfACallThatSends) {
  const auto filter = *bpf::Validate({{bpf::kLoadAbs, 0, 0, bpf::kOffsetNr},
                                      {bpf::kJeq, 0, 1, *abi::Number(abi::Arch::kX86_64, "sendto")},
                                      {bpf::kReturn, 0, 0, 0x7fc0ffff},
                                      {bpf::kReturn, 0, 0, 0x7fc00001}});
  const auto sent = [](const char* call, std::uint16_t type) {
    return guest::Sent{
        {*abi::Number(abi::Arch::kX86_64, call), kX86_64, 0, {3}}, 12, "/bin/ip", 0, {type}, 1};
  };
  Collected collected;
  std::vector<std::unique_ptr<audit::Sink>> sinks;
  sinks.push_back(std::make_unique<Collector>(collected));
  audit::Trail trail("machine", {}, std::move(sinks));
  CallLog calls({.trail = &trail, .network = true}, filter);
  EXPECT_TRUE(calls.Take(sent("sendto", 24)));
  const std::string want =
      "hear the guest: it tells of a change of a network that no call of its filter asks for";
  CallLog deaf({}, filter);
  guest::Sent none = sent("sendto", 24);
  none.count = 0;
  for (const base::Status& lie : {calls.Take(sent("sendmsg", 24)), calls.Take(sent("sendto", 26)),
                                  calls.Take(none), deaf.Take(sent("sendto", 24))}) {
    ASSERT_FALSE(lie);
    EXPECT_EQ(lie.error().code, base::ErrorCode::kViolation);
    EXPECT_EQ(lie.error().text, want);
  }
  trail.Close();
  ASSERT_EQ(collected.events.size(), 1u);
  EXPECT_EQ(collected.events[0].decision, audit::Decision::kDenied);
  EXPECT_EQ(collected.events[0].task, (audit::Task{0, 12, "/bin/ip"}));
  EXPECT_EQ(std::get<audit::Call>(collected.events[0].detail).arguments.back(),
            (audit::Argument{"message", "RTM_NEWROUTE", true}));
}

TEST(CallLog, AGuestLearnsWhichCallsSend) {
  const auto sendings = CallSendings();
  EXPECT_LE(sendings.size(), 32u);  // of guest::Command
  const auto has = [&](abi::Arch arch, const char* name, std::uint8_t form, std::uint8_t pointer) {
    return std::ranges::count(
        sendings, guest::Sending{abi::Info(arch).token, *abi::Number(arch, name), form, pointer});
  };
  EXPECT_EQ(has(abi::Arch::kX86_64, "sendto", 0, 8), 1);
  EXPECT_EQ(has(abi::Arch::kX86_64, "sendmsg", 1, 8), 1);
  EXPECT_EQ(has(abi::Arch::kX86_64, "sendmmsg", 2, 8), 1);
  EXPECT_EQ(has(abi::Arch::kI386, "socketcall", 3, 4), 1);
}

TEST(CallLog, ACallThatIsNotDeniedIsNoEvent) {
  audit::Trail trail("machine", {}, {});
  CallLog calls({.trail = &trail}, Filter());
  guest::Called called;
  called.data = Call("getpid");
  const auto taken = calls.Take(called);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, base::ErrorCode::kViolation);
}

TEST(CallLog, AGuestLearnsWhatTellsCallsApart) {
  const auto watches = CallWatches();
  EXPECT_TRUE(std::ranges::is_sorted(
      watches, {}, [](const auto& one) { return std::pair(one.arch, one.number); }));
  const auto find = [&](const char* name) {
    const auto found = std::ranges::find_if(watches, [&](const auto& one) {
      return one.arch == kX86_64 && one.number == *abi::Number(abi::Arch::kX86_64, name);
    });
    return found == watches.end() ? guest::Watch() : *found;
  };
  EXPECT_EQ(find("socket").low, 0);
  EXPECT_EQ(find("socket").bits, 32);
  EXPECT_EQ(find("connect").address, 1);
  EXPECT_EQ(find("connect").size, 2);
  EXPECT_EQ(find("openat").paths, 1u << 1);
  EXPECT_EQ(find("renameat2").paths, 1u << 1 | 1u << 3);
  EXPECT_EQ(find("getpid"), guest::Watch());
}

}  // namespace
}  // namespace bailey::microvm
