#include "network/nat_gateway.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/text.h"
#include "network/handover.h"
#include "network/opening.h"
#include "network/packet.h"
#include "network/probe.h"
#include "network/report_queue.h"
#include "os/channel.h"
#include "os/events.h"
#include "os/identity.h"
#include "os/inet.h"
#include "os/links.h"
#include "os/network.h"
#include "os/piped_child.h"
#include "os/process.h"
#include "os/routed_link.h"

namespace bailey::network {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartTime{10};
constexpr std::chrono::milliseconds kLook{2};

// A process that only has two namespaces open, for pasta to find them: this process shows its files
// to nobody, and newer versions of pasta close what they inherit. It is in the user namespace, as
// pasta is by the time that it opens the second.
class Holder {
 public:
  // Returns when its files can be seen: pasta would look at them before.
  static os::SysResult<Holder> Start(int network, int user) {
    auto pair = os::ChannelPair();
    if (!pair) return std::unexpected(pair.error());
    auto child = os::Fork(0);
    if (!child) return std::unexpected(child.error());
    if (child->pid == 0) Hold(network, user, (*pair)[1].Get());
    (*pair)[1].Reset();
    Holder holder(*std::move(child));
    if (const auto ready = os::AwaitReadable((*pair)[0].Get(), kStartTime); !ready)
      return std::unexpected(ready.error());
    std::array<std::uint8_t, 1> said{};
    const auto size = os::Read((*pair)[0].Get(), said);
    if (!size) return std::unexpected(size.error());
    if (*size == 0) return os::Fail(EPIPE);  // it has ended
    return holder;
  }
  Holder(Holder&& other) noexcept : child_(std::exchange(other.child_, {})) {}
  Holder& operator=(Holder&&) = delete;
  ~Holder() {
    if (child_.pidfd.IsOpen()) (void)os::SendSignal(child_.pidfd.Get(), SIGKILL);
  }
  pid_t Pid() const { return child_.pid; }

 private:
  explicit Holder(os::Child child) : child_(std::move(child)) {}

  [[noreturn]] static void Hold(int network, int user, int starter) {
    std::array<int, 3> kept = {network, user, starter};
    std::ranges::sort(kept);
    constexpr std::array<std::uint8_t, 1> kSaid = {'h'};
    if (os::JoinNamespace(user, os::kUserNamespace) && os::DropCapabilities() &&
        os::DieWithParent() && os::CloseAllBut(kept) && os::SetDumpable(true) &&
        os::SendMessage(starter, kSaid))
      while (os::WaitReady({}, std::nullopt)) {
      }
    os::Exit(1);
  }

  os::Child child_;
};

class Pasta {
 public:
  Pasta(os::PipedChild child, int supervisor) : child_(std::move(child)), supervisor_(supervisor) {}
  Pasta(const Pasta&) = delete;
  Pasta& operator=(const Pasta&) = delete;
  ~Pasta() {
    (void)os::SendSignal(child_.pidfd.Get(), SIGKILL);
    // Nobody waits for children of ours; gone it is when this says so.
    const std::array<os::Interest, 1> end = {os::Interest{child_.pidfd.Get()}};
    (void)os::WaitReady(end, Clock::now() + kStartTime);
  }

  int Pidfd() const { return child_.pidfd.Get(); }
  int Errors() const { return child_.errors.Get(); }
  // What it says has a place to go, or it would wait for one.
  void ReadErrors() {
    constexpr std::size_t kMost = 4096;
    std::array<char, 1024> buffer;
    for (;;) {
      const auto size = os::ReadOnce(child_.errors.Get(), buffer);
      if (!size || *size == 0) return;
      said_.append(buffer.data(), *size);
      if (said_.size() > kMost) said_.erase(0, said_.size() - kMost);
    }
  }
  base::Error Ended() {
    ReadErrors();
    const std::string_view all = base::Trim(said_);
    const std::string_view last = all.substr(all.rfind('\n') + 1);
    return base::Unsupported(fmt::format("make the network: pasta ended: {}",
                                         last.empty() ? "it said nothing" : base::Escape(last)));
  }
  // Asks again and again, until it is so or the time is over. The supervisor's end ends it too.
  template <class F>
  base::Status Await(std::string_view what, Clock::time_point deadline, F is_so) {
    for (;;) {
      if (is_so()) return {};
      const auto now = Clock::now();
      if (now >= deadline)
        return base::Unsupported(
            fmt::format("make the network: pasta: {} within {} seconds", what, kStartTime.count()));
      const std::array<os::Interest, 2> interests = {os::Interest{Pidfd()},
                                                     os::Interest{supervisor_}};
      const auto ready = os::WaitReady(interests, now + kLook);
      if (!ready) return base::SystemError("wait for pasta", ready.error().value);
      if (*ready && **ready == 0) return Ended();
      if (*ready) return base::Internal("wait for pasta: the supervisor has ended");
    }
  }

 private:
  os::PipedChild child_;
  int supervisor_;
  std::string said_;
};

base::Result<os::PipedChild> StartPasta(const Nat& nat, const Holder& holder, int network, int user,
                                        uid_t uid) {
  const auto words = PastaWords(nat, holder.Pid(), network, user, uid);
  auto started = os::StartPiped(nat.program, words, {.with_errors = true});
  if (!started)
    return base::SystemError(fmt::format("start {}", nat.program), started.error().value);
  return *std::move(started);
}

// The link as pasta made it gets its addresses and routes, and somebody answers behind it.
base::Status SetUp(const Nat& nat, int routes, Pasta& pasta) {
  const auto deadline = Clock::now() + kStartTime;
  int link = 0;
  const auto made = pasta.Await("it made no link", deadline, [&] {
    const auto found = os::FindLink(routes, kNatLink);
    if (found && *found) link = **found;
    return link != 0;
  });
  if (!made) return made;
  const auto addresses = RoutedAddresses(nat);
  if (const auto done = os::SetUpLink(routes, link, kNatMtu, addresses); !done)
    return base::SystemError("set up the link to pasta", done.error().value);
  // Nothing of this leaves the host.
  const base::Address gateway = addresses[0].gateway;
  if (const auto asked = os::AskForNeighbour(routes, link, gateway); !asked)
    return base::SystemError("look for pasta", asked.error().value);
  const auto there = pasta.Await("nobody answers on its link", deadline, [&] {
    const auto found = os::HasNeighbour(routes, link, gateway);
    return found && *found;
  });
  if (!there) return there;
  std::vector<std::string> wanted = os::LoopbackLines({});
  const auto more = os::RoutedLines(link, addresses);
  wanted.insert(wanted.end(), more.begin(), more.end());
  std::ranges::sort(wanted);
  return ReadBackLinks(routes, wanted);
}

class Keeper {
 public:
  Keeper(const Plan& plan, int supervisor, int log, Pasta& pasta,
         const std::vector<base::Endpoint>& probes)
      : plan_(plan),
        supervisor_(supervisor),
        log_(log),
        pasta_(pasta),
        probes_(probes),
        reports_(supervisor) {}

  void Run() {
    bool serves = true;
    while (serves) {
      std::vector<os::Interest> interests = {{supervisor_}, {log_}};
      if (!has_ended_) interests.insert(interests.end(), {{pasta_.Pidfd()}, {pasta_.Errors()}});
      std::optional<Clock::time_point> until;
      if (!reports_.IsEmpty()) until = Clock::now() + ReportQueue::kWait;
      const auto ready = os::WaitReady(interests, until);
      if (!ready) return;
      serves = !*ready || Handle(**ready);
      if (!serves || reports_.IsDue(Clock::now())) reports_.Flush();
    }
  }

 private:
  // False at the supervisor's end, which is the sandbox's.
  bool Handle(std::size_t what) {
    switch (what) {
      case 0:
        ReadLog();
        return false;
      case 1:
        ReadLog();
        return true;
      case 2: {
        has_ended_ = true;
        Decision decision;
        decision.kind = Decision::Kind::kLimit;
        decision.why = pasta_.Ended().text;
        reports_.Add(decision);
        return true;
      }
      default:
        pasta_.ReadErrors();
        return true;
    }
  }

  void ReadLog() {
    std::array<std::uint8_t, 65536> buffer;
    for (;;) {
      const auto size = os::Read(log_, buffer);
      if (!size && size.error().value == ENOBUFS) {
        reports_.AddLost();
        continue;
      }
      if (!size) return;
      for (const auto& packet :
           os::nft::LoggedPackets(std::span<const std::uint8_t>(buffer).first(*size)))
        TellPacket(packet);
    }
  }

  void TellPacket(const std::vector<std::uint8_t>& packet) {
    const auto read = ReadPacket(packet);
    if (!read || std::ranges::find(probes_, read->to) != probes_.end()) return;
    // What the kernel says to everybody on a link; no program can.
    constexpr base::AddressRange kGroups = {base::Address::V6({0xff00, 0, 0, 0, 0, 0, 0, 0}), 8};
    if (read->other && kGroups.Contains(read->to.address)) return;
    reports_.Add(AboutPacket(*read, nullptr, plan_.policy.egress));
  }

  const Plan& plan_;
  int supervisor_, log_;
  Pasta& pasta_;
  std::vector<base::Endpoint> probes_;  // whose refusal is not the program's
  ReportQueue reports_;
  bool has_ended_ = false;
};

}  // namespace

base::Status ServeNat(const Plan& plan, GatewaySockets& sockets) {
  const Nat& nat = *plan.nat;
  const auto received = ReceiveHandedOut(sockets);
  if (!received) return received.error();
  if (!*received) return {};
  if ((*received)->size() != 3)
    return base::Internal("take over the network inside: sockets are missing");
  const int rules = (**received)[0].Get(), routes = (**received)[1].Get(),
            log = (**received)[2].Get();
  if (const auto same = ReadBackRules(rules, plan); !same) return same;
  if (const auto listens = ListenToRefusals(log); !listens) return listens;
  const auto network = os::NetworkNamespaceOf(routes);
  if (!network) return base::SystemError("find the network inside", network.error().value);
  const auto user = os::UserNamespaceOf(network->Get());
  if (!user) return base::SystemError("find the owner of the network", user.error().value);
  const auto caller = os::CurrentCaller();
  if (!caller) return base::SystemError("start pasta", caller.error().value);
  auto holder = Holder::Start(network->Get(), user->Get());
  if (!holder) return base::SystemError("start pasta", holder.error().value);
  auto started = StartPasta(nat, *holder, network->Get(), user->Get(), caller->euid);
  if (!started) return started.error();
  const int supervisor = sockets.supervisor.Get();
  Pasta pasta(*std::move(started), supervisor);
  if (const auto set = SetUp(nat, routes, pasta); !set) return set;
  Tell(supervisor, Report::Kind::kReady,
       fmt::format("{} rules, routed by pasta", plan.table.chains[0].rules.size()));
  Keeper(plan, supervisor, log, pasta, RefusedProbes(plan)).Run();
  return {};
}

}  // namespace bailey::network
