#include "microvm/firecracker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "guest/protocol.h"
#include "microvm/firecracker_client.h"
#include "microvm/vsock.h"
#include "os/cgroup.h"
#include "os/events.h"
#include "os/file.h"
#include "os/mount.h"
#include "os/vmm.h"

namespace bailey::microvm {
namespace {

// What Firecracker needs beside the guest's memory and its files, both of which are counted as its.
constexpr std::uint64_t kOverheadMib = 128;
constexpr std::size_t kMostSaid = 8 << 10, kMostShown = 500;
constexpr std::chrono::milliseconds kPause{2};
// How long a machine whose line is cut may take to be gone.
constexpr std::chrono::seconds kEndPatience{30};

struct Inputs {
  std::vector<std::string> argv;
  std::vector<sandbox::Limit> limits;
  int jail = -1, go = -1, report = -1, output = -1;
  int network = -1;  // the namespace to enter, where it is not new
};

// Files of its own around the jailer: the jail's file system, and a /proc of the new namespace.
os::SysStatus Mount(int jail) {
  if (const auto made = os::MakeMountsPrivate(); !made) return made;
  const auto proc = os::NewFilesystem("proc", {}, os::kNoSuid | os::kNoDev | os::kNoExec);
  if (!proc) return std::unexpected(proc.error());
  for (const auto& [tree, place] : {std::pair{proc->Get(), "/proc"}, {jail, kJailBase}}) {
    const auto target = os::Open(AT_FDCWD, place, O_PATH | O_DIRECTORY);
    if (!target) return std::unexpected(target.error());
    if (const auto attached = os::Attach(tree, target->Get()); !attached) return attached;
  }
  return {};
}

[[noreturn]] void Become(const Inputs& inputs) {
  std::vector<char*> argv;
  for (const std::string& word : inputs.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  char* const none[] = {nullptr};
  for (const sandbox::Limit& limit : inputs.limits)
    if (!os::SetLimit(limit.resource, limit.value)) os::Exit(126);
  (void)os::Execute(argv[0], argv.data(), none);
  os::Exit(127);
}

// The first process of the jail's namespaces: everything in them goes with it, and it goes with the
// supervisor. What it writes to the report is why it could not begin.
[[noreturn]] void Supervise(const Inputs& inputs) {
  const auto fail = [&](std::string_view step, os::Errno error) {
    (void)os::WriteAll(inputs.report, base::SystemError(std::string(step), error.value).text);
    os::Exit(125);
  };
  std::vector<int> kept = {inputs.jail, inputs.go, inputs.report};
  if (inputs.network >= 0) kept.push_back(inputs.network);
  std::ranges::sort(kept);
  const auto null = os::Open(AT_FDCWD, "/dev/null", O_RDWR);
  const bool ready = os::DieWithParent() && os::StartSession() && os::ResetSignals() && null &&
                     os::Duplicate(null->Get(), 0) && os::Duplicate(inputs.output, 1) &&
                     os::Duplicate(inputs.output, 2) && os::CloseAllBut(kept);
  if (!ready) fail("prepare the jail", os::Errno{EIO});
  // Until this process is in its control group; or there is no supervisor any more.
  std::array<std::uint8_t, 1> go;
  const auto count = os::ReadSome(inputs.go, go);
  if (!count || *count == 0) os::Exit(0);
  if (inputs.network >= 0)
    if (const auto joined = os::JoinNamespace(inputs.network, os::kNetworkNamespace); !joined)
      fail("enter the machine's network", joined.error());
  if (const auto mounted = Mount(inputs.jail); !mounted) fail("mount the jail", mounted.error());
  const auto child = os::Fork(0);
  if (!child) fail("start the jailer", child.error());
  if (child->pid == 0) Become(inputs);
  for (;;) {
    const auto ended = os::WaitForAny();
    if (!ended) os::Exit(125);
    if (ended->first != child->pid) continue;
    os::Exit(WIFEXITED(ended->second) ? WEXITSTATUS(ended->second) : 128 + WTERMSIG(ended->second));
  }
}

base::Result<sandbox::LimitPlan> PlanGroups(const JailContents& contents) {
  policy::Limits limits;
  // Files of the jail lie in memory, and count as its own.
  std::uint64_t mebibytes = 2 * contents.memory_mib + kOverheadMib;
  for (const Drive& drive : contents.drives)
    if (const auto found = os::StatFd(drive.descriptor); !drive.write && found)
      mebibytes += static_cast<std::uint64_t>(found->st_size) >> 20;
  limits.memory = mebibytes << 20;
  limits.processes = 64;
  const auto places = os::OwnCgroups();
  if (!places) return base::SystemError("look for control groups", places.error().value);
  return sandbox::PlanLimits(limits, *places, {});
}

}  // namespace

base::Result<std::unique_ptr<Firecracker>> Firecracker::Start(const FirecrackerHost& host,
                                                              const std::string& id,
                                                              const JailContents& contents,
                                                              std::chrono::milliseconds patience,
                                                              os::SignalQueue& signals) {
  const auto limits = PlanGroups(contents);
  if (!limits) return limits.error();
  auto user = JailUser::Claim();
  if (!user) return user.error();
  const JailPlan plan{host, id, user->Id(), contents.memory_mib << 20};
  auto jail = Jail::Make(plan, contents);
  if (!jail) return jail.error();
  std::unique_ptr<Firecracker> machine(
      new Firecracker(*std::move(user), *std::move(jail), Clock::now() + patience, signals));
  auto groups = sandbox::Groups::Make(limits->groups);
  if (!groups) return groups.error();
  machine->groups_.emplace(*std::move(groups));
  if (const auto launched = machine->Launch(plan, limits->resources, contents.network); !launched)
    return launched.error();
  if (const auto configured = machine->Configure(); !configured) return configured.error();
  return machine;
}

base::Status Firecracker::Launch(const JailPlan& plan, const std::vector<sandbox::Limit>& limits,
                                 int network) {
  auto output = os::MakePipe(), report = os::MakePipe(), go = os::MakePipe();
  if (!output || !report || !go)
    return base::SystemError("start the jailer", (!output   ? output
                                                  : !report ? report
                                                            : go)
                                                     .error()
                                                     .value);
  // What a monitor says without end is lost, and holds up nobody.
  for (auto& end : *output)
    if (const auto done = os::SetNonBlocking(end.Get()); !done)
      return base::SystemError("start the jailer", done.error().value);
  const Inputs inputs{
      JailerArguments(plan), limits, jail_.Mount(), (*go)[0].Get(), (*report)[1].Get(),
      (*output)[1].Get(),    network};
  std::uint32_t own =
      os::kMountNamespace | os::kPidNamespace | os::kIpcNamespace | os::kUtsNamespace;
  if (network < 0) own |= os::kNetworkNamespace;
  auto init = os::Fork(own);
  if (!init) return base::SystemError("start the jailer", init.error().value);
  if (init->pid == 0) {
    (*go)[1].Reset();
    Supervise(inputs);
  }
  init_ = *std::move(init);
  report_ = std::move((*report)[0]);
  output_ = std::move((*output)[0]);
  if (const auto added = groups_->Add(init_.pid); !added) return added.error();
  if (const auto gone = os::WriteAll((*go)[1].Get(), "g"); !gone)
    return base::SystemError("start the jailer", gone.error().value);
  return {};
}

// Waits a little; an error where the machine has ended, or nobody wants it any more.
base::Status Firecracker::Pause() {
  const auto now = Clock::now();
  if (now >= deadline_)
    return base::Unsupported("start Firecracker: it does not answer" + LastWords());
  const os::Interest interests[] = {{init_.pidfd.Get()}, {signals_.Descriptor()}};
  const auto ready = os::WaitReady(interests, now + kPause);
  if (!ready) return base::SystemError("wait for Firecracker", ready.error().value);
  if (!*ready) return {};
  if (**ready == 0) return WhyEnded();
  const auto signal = signals_.Next();
  if (!signal || *signal == SIGWINCH || *signal == SIGCONT) return {};
  return base::Unsupported("start Firecracker: stopped by a signal");
}

base::Result<base::UniqueFd> Firecracker::Await(const char* name) {
  for (;;) {
    auto socket = ConnectBeneath(jail_.Root(), name);
    if (!socket) return socket.error();
    if (*socket) return **std::move(socket);
    if (const auto paused = Pause(); !paused) return paused.error();
  }
}

base::Status Firecracker::Configure() {
  const auto requests = BootRequests(jail_.Machine());
  if (!requests) return requests.error();
  auto socket = Await(kApiSocket);
  if (!socket) return socket.error();
  auto client = FirecrackerClient::Make(*std::move(socket));
  if (!client) return client.error();
  for (const ApiRequest& request : *requests) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    auto sent = client->Send(request, std::max(left, std::chrono::milliseconds(1)));
    if (sent) continue;
    sent.error().text += LastWords();
    return sent;
  }
  return {};
}

base::Result<base::UniqueFd> Firecracker::Connect() {
  for (;;) {
    auto socket = Await(kLineSocket);
    if (!socket) return socket.error();
    const auto connected = AskForPort(socket->Get(), guest::kVsockPort, deadline_);
    if (!connected) return connected.error();
    if (*connected) return socket;
    if (const auto paused = Pause(); !paused) return paused.error();
  }
}

Firecracker::~Firecracker() { Stop(); }

// Nothing in it needs to be asked: its files go with its namespaces.
void Firecracker::Stop() {
  if (!init_.pidfd.IsOpen()) return;
  (void)os::SendSignal(init_.pidfd.Get(), SIGKILL);
  (void)os::WaitFor(init_.pid);
  init_.pidfd.Reset();
}

// The last line that it, or the jailer, has said, for the end of an error's text.
std::string Firecracker::LastWords() {
  std::string said = jail_.ReadLog(kMostSaid);
  std::array<std::uint8_t, 1024> piece;
  for (std::size_t size = 0; size < kMostSaid;) {
    const auto count = os::ReadSome(output_.Get(), piece);
    if (!count || *count == 0) break;
    said.append(reinterpret_cast<const char*>(piece.data()), *count);
    size += *count;
  }
  const std::string_view text = base::Trim(said);
  const std::size_t line = text.rfind('\n');
  const std::string_view last = line == text.npos ? text : text.substr(line + 1);
  return last.empty() ? "" : ": " + base::Escape(last.substr(0, kMostShown));
}

base::Error Firecracker::WhyEnded() {
  const os::Interest ends[] = {{init_.pidfd.Get()}};
  const auto ended = os::WaitReady(ends, Clock::now() + kEndPatience);
  std::string why = "it has cut the line and is still there";
  if (ended && *ended) {
    const auto status = os::WaitFor(init_.pid);
    init_.pidfd.Reset();
    const int code = !status                          ? -1
                     : WIFEXITED(status->wait_status) ? WEXITSTATUS(status->wait_status)
                                                      : 128 + WTERMSIG(status->wait_status);
    why = code < 0 ? "it cannot be waited for" : fmt::format("it has ended with status {}", code);
    const auto report = os::ReadAll(report_.Get(), 4096);
    if (report && !report->empty()) why = *report;
  }
  why += LastWords();
  Stop();
  return base::Unsupported("run Firecracker: " + why);
}

}  // namespace bailey::microvm
