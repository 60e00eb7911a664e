#include "sandbox/chosen_launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/text.h"
#include "os/events.h"
#include "os/file.h"
#include "os/identity.h"
#include "sandbox/chosen_tasks.h"
#include "sandbox/host_path.h"

namespace bailey::sandbox {
namespace {

using Answer = std::expected<ChosenOutcome, ChosenFailure>;

std::unexpected<ChosenFailure> Failed(Part part, int number, std::uint32_t index = 0) {
  return std::unexpected(ChosenFailure{part, index, number, {}});
}

// In the order in which their ids are written.
struct NamedNamespace {
  const char* name;
  os::Namespace flag;
};
constexpr NamedNamespace kNamed[] = {
    {"cgroup", os::kCgroupNamespace}, {"ipc", os::kIpcNamespace}, {"mnt", os::kMountNamespace},
    {"net", os::kNetworkNamespace},   {"pid", os::kPidNamespace}, {"uts", os::kUtsNamespace}};

// The kernel makes these with the first task, or the program's task makes them while the root is
// being laid out.
constexpr std::uint32_t kMayBeLate =
    os::kIpcNamespace | os::kUtsNamespace | os::kCgroupNamespace | os::kNetworkNamespace;

std::uint32_t EarlyNamespaces(const ChosenPlan& plan) {
  const ChosenDescriptors& descriptors = plan.descriptors;
  // Somebody outside is to see them, or message queues belong to them.
  const bool all = !plan.HasReaper() || descriptors.info >= 0 || descriptors.status >= 0 ||
                   descriptors.user_block >= 0 ||
                   std::ranges::any_of(plan.root, [](const ChosenStep& step) {
                     return std::holds_alternative<FreshQueues>(step.layout);
                   });
  return all ? plan.namespaces : plan.namespaces & ~kMayBeLate;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Candidates(const ChosenPlan& plan) {
  if (plan.program.find('/') != std::string::npos) return {plan.program};
  std::vector<std::string> candidates;
  if (plan.program.empty()) return candidates;
  std::string_view path = "/bin:/usr/bin";
  for (const std::string& entry : plan.environment)
    if (entry.starts_with("PATH=")) path = std::string_view(entry).substr(5);
  for (const std::string_view directory : base::Split(path, ':'))
    candidates.push_back(directory.empty() ? plan.program : Join(directory, plan.program));
  return candidates;
}

os::SysStatus MakeOwnFilters(const ChosenPlan& plan, ChosenPrepared& prepared) {
  if (plan.filters.empty() && plan.descriptors.filter < 0) return {};
  auto memory = os::SharedMemory::Make(sizeof(FilterSlot));
  if (!memory) return std::unexpected(memory.error());
  auto& slot = *static_cast<FilterSlot*>(memory->Address());
  std::size_t used = 0;
  for (const std::vector<std::uint8_t>& filter : plan.filters) {
    if (slot.count == FilterSlot::kMostFilters || filter.size() > slot.records.size() - used)
      return os::Fail(E2BIG);
    std::ranges::copy(filter, slot.records.begin() + static_cast<std::ptrdiff_t>(used));
    used += filter.size();
    slot.sizes[slot.count++] = static_cast<std::uint32_t>(filter.size());
  }
  prepared.own_filters = std::move(*memory);
  return {};
}

os::SysStatus Prepare(const ChosenPlan& plan, ChosenPrepared& prepared) {
  prepared.argv = Pointers(plan.argv);
  prepared.script = prepared.argv;
  prepared.script.insert(prepared.script.begin(), const_cast<char*>("/bin/sh"));
  prepared.environment = Pointers(plan.environment);
  prepared.pwd = plan.environment.size();
  prepared.environment.push_back(nullptr);
  if (plan.workdir) {
    prepared.pwds = {"PWD=" + *plan.workdir};
  } else {
    for (const std::string& workdir : plan.workdirs) prepared.pwds.push_back("PWD=" + workdir);
    prepared.pwds.emplace_back("PWD=/");
  }
  prepared.candidates = Candidates(plan);
  prepared.early.resize(plan.root.size());
  prepared.early_namespaces = EarlyNamespaces(plan);
  prepared.wait_for_go = plan.descriptors.info >= 0 || plan.descriptors.status >= 0 ||
                         plan.descriptors.user_block >= 0 ||
                         (plan.restrictions && !plan.restrictions->limits.groups.empty());
  if (const auto done = MakeOwnFilters(plan, prepared); !done) return done;
  if (plan.restrictions) {
    auto memory = os::SharedMemory::Make(sizeof(FilterSlot));
    if (!memory) return std::unexpected(memory.error());
    prepared.policy_filters = std::move(*memory);
  }
  auto proc = os::Open(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
  if (!proc) return std::unexpected(proc.error());
  prepared.proc = std::move(*proc);
  return {};
}

// The monitor's side of one launch.
class Monitor {
 public:
  Monitor(const ChosenPlan& plan, ChosenPrepared& prepared) : plan_(plan), prepared_(prepared) {}
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  ~Monitor();

  Answer Run(const FilterSource& filters);

 private:
  using Done = std::expected<void, ChosenFailure>;

  Done JoinNamespaces();
  Done Start();
  Done StartThroughAnother();
  Done Settle(const FilterSource& filters);
  Done WriteInformation() const;
  Done MakeFilters(const FilterSource& filters);
  Done LetGoOfOthers();
  Done Go() const;
  Answer Watch();
  std::expected<ChosenMessage, ChosenFailure> Read();
  Answer EndedUnseen();
  ChosenOutcome Report(int status) const;

  const ChosenPlan& plan_;
  ChosenPrepared& prepared_;
  base::UniqueFd socket_;
  os::Child child_;
  std::optional<Groups> groups_;
  bool starting_ = false;
  bool ended_ = false;
};

Monitor::~Monitor() {
  // What the program has left behind goes on, but for what is under a policy's limits.
  if (child_.pid <= 0 || (ended_ && !plan_.restrictions)) return;
  (void)os::SendSignal(child_.pidfd.Get(), SIGKILL);
  (void)os::WaitFor(child_.pid);
}

Monitor::Done Monitor::JoinNamespaces() {
  const ChosenDescriptors& descriptors = plan_.descriptors;
  if (descriptors.user_namespace >= 0) {
    const auto done = os::JoinNamespace(descriptors.user_namespace, os::kUserNamespace);
    if (!done) return Failed(Part::kJoinUserNamespace, done.error().value);
  }
  if (descriptors.pid_namespace >= 0) {
    const auto done = os::JoinNamespace(descriptors.pid_namespace, os::kPidNamespace);
    if (!done) return Failed(Part::kJoinPidNamespace, done.error().value);
  }
  return {};
}

Monitor::Done Monitor::Start() {
  auto pair = os::MessagePair();
  if (!pair) return Failed(Part::kSystem, pair.error().value);
  socket_ = std::move((*pair)[0]);
  prepared_.socket = std::move((*pair)[1]);
  if (plan_.descriptors.pid_namespace >= 0 && plan_.namespaces & os::kPidNamespace)
    return StartThroughAnother();
  auto child = os::Fork(prepared_.early_namespaces);
  if (!child) return Failed(Part::kMakeNamespaces, child.error().value);
  if (child->pid == 0) {
    socket_.Reset();
    RunFirstTask(prepared_);
  }
  child_ = std::move(*child);
  return {};
}

// A pid namespace is made only by a process that is itself in the one above it
// (kernel/pid_namespace.c, copy_pid_ns), and this one is not in what it has joined.
Monitor::Done Monitor::StartThroughAnother() {
  prepared_.say_pid = true;
  const auto between = os::Fork(0);
  if (!between) return Failed(Part::kMakeNamespaces, between.error().value);
  if (between->pid == 0) {
    socket_.Reset();
    const auto child = os::ForkSibling(prepared_.early_namespaces);
    if (!child) Fail(prepared_, Part::kMakeNamespaces, child.error().value);
    if (child->pid == 0) RunFirstTask(prepared_);
    os::Exit(0);
  }
  (void)os::WaitFor(between->pid);
  ChosenMessage message;
  const auto received =
      os::Receive(socket_.Get(), {reinterpret_cast<char*>(&message), sizeof(message)});
  if (!received) return Failed(Part::kSystem, received.error().value);
  if (message.word == ChosenWord::kFailed) return Failed(message.part, message.number);
  auto pidfd = os::OpenPidfd(received->sender);
  if (!pidfd) return Failed(Part::kSystem, pidfd.error().value);
  child_ = {received->sender, std::move(*pidfd)};
  return {};
}

Monitor::Done Monitor::WriteInformation() const {
  const ChosenDescriptors& descriptors = plan_.descriptors;
  if (descriptors.info < 0 && descriptors.status < 0) return {};
  std::string lines = fmt::format("{{\n    \"child-pid\": {}", child_.pid);
  std::string line = fmt::format("{{ \"child-pid\": {}", child_.pid);
  for (const NamedNamespace& entry : kNamed) {
    if ((plan_.namespaces & entry.flag) == 0) continue;
    const auto found = os::Stat(prepared_.proc.Get(),
                                fmt::format("{}/ns/{}", child_.pid, entry.name).c_str(), true);
    if (!found) continue;
    const std::string member = fmt::format("\"{}-namespace\": {}", entry.name, found->st_ino);
    lines += ",\n    " + member;
    line += ", " + member;
  }
  const std::pair<int, std::string> texts[] = {{descriptors.info, lines + "\n}\n"},
                                               {descriptors.status, line + " }\n"}};
  for (const auto& [descriptor, text] : texts) {
    if (descriptor < 0) continue;
    if (const auto done = os::WriteAll(descriptor, text); !done)
      return Failed(Part::kInformation, done.error().value);
  }
  base::UniqueFd(descriptors.info).Reset();
  return {};
}

Monitor::Done Monitor::Go() const {
  const auto sent = os::Send(socket_.Get(), ChosenMessage{.word = ChosenWord::kGo}.Bytes());
  // It has failed, and said why.
  if (!sent && sent.error().value != EPIPE) return Failed(Part::kSystem, sent.error().value);
  return {};
}

Monitor::Done Monitor::Settle(const FilterSource& filters) {
  const ChosenDescriptors& descriptors = plan_.descriptors;
  if (plan_.restrictions) {
    if (const auto added = groups_->Add(child_.pid); !added)
      return std::unexpected(ChosenFailure{Part::kGroups, 0, 0, added.error()});
  }
  if (const int second = descriptors.second_user_namespace; second >= 0) {
    if (const auto done = os::JoinNamespace(second, os::kUserNamespace); !done)
      return Failed(Part::kSecondUserNamespace, done.error().value);
  }
  // Of no use any more; a caller in a container may be without the right to give them up.
  if (const auto done = os::SetCapabilities(0, 0); !done && done.error().value != EPERM)
    return Failed(Part::kCapabilities, done.error().value);
  if (plan_.die_with_parent) {
    if (const auto done = os::DieWithParent(); !done)
      return Failed(Part::kSystem, done.error().value);
  }
  if (prepared_.wait_for_go) {
    if (const auto done = WriteInformation(); !done) return done;
    if (descriptors.user_block >= 0) {
      std::array<std::uint8_t, 1> byte;
      (void)os::ReadSome(descriptors.user_block, byte);
    }
    if (const auto done = Go(); !done) return done;
  }
  return plan_.restrictions ? MakeFilters(filters) : LetGoOfOthers();
}

// Closes what the caller has passed on: pipes are at their end when those inside are.
Monitor::Done Monitor::LetGoOfOthers() {
  prepared_.proc.Reset();
  prepared_.socket.Reset();
  std::array<int, 3> kept = {socket_.Get(), child_.pidfd.Get(), plan_.descriptors.status};
  std::ranges::sort(kept);
  const auto first = std::ranges::find_if(kept, [](int descriptor) { return descriptor > 2; });
  if (const auto done = os::CloseAllBut({first, kept.end()}); !done)
    return Failed(Part::kSystem, done.error().value);
  return {};
}

Monitor::Done Monitor::MakeFilters(const FilterSource& filters) {
  prepared_.socket.Reset();
  auto programs = filters();
  if (!programs) return std::unexpected(ChosenFailure{Part::kFilterSource, 0, 0, programs.error()});
  auto& slot = *static_cast<FilterSlot*>(prepared_.policy_filters.Address());
  std::size_t used = 0;
  for (const bpf::Program& program : *programs) {
    const std::vector<std::uint8_t> bytes = program.Bytes();
    if (slot.count == FilterSlot::kMostFilters || bytes.size() > slot.records.size() - used)
      return Failed(Part::kFilter, E2BIG, slot.count);
    std::ranges::copy(bytes, slot.records.begin() + static_cast<std::ptrdiff_t>(used));
    used += bytes.size();
    slot.sizes[slot.count++] = static_cast<std::uint32_t>(bytes.size());
  }
  return Go();
}

// A message; kHere when the deadline came first; nothing, as kEnded without a program's status.
std::expected<ChosenMessage, ChosenFailure> Monitor::Read() {
  ChosenMessage message;
  const auto received =
      os::Receive(socket_.Get(), {reinterpret_cast<char*>(&message), sizeof(message)});
  if (!received && received.error().value != ECONNRESET)
    return Failed(Part::kSystem, received.error().value);
  if (!received || received->size != sizeof(message)) return ChosenMessage{ChosenWord::kGo};
  return message;
}

Answer Monitor::EndedUnseen() {
  const auto ended = os::WaitFor(std::exchange(child_.pid, -1));
  if (!ended) return Failed(Part::kSystem, ended.error().value);
  const int status = ended->wait_status;
  return Report(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

ChosenOutcome Monitor::Report(int status) const {
  if (starting_ && plan_.descriptors.status >= 0) {
    // A reader that is gone misses nothing.
    (void)os::WriteAll(plan_.descriptors.status, fmt::format("{{ \"exit-code\": {} }}\n", status));
  }
  return {.status = status};
}

Answer Monitor::Watch() {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (plan_.restrictions && plan_.restrictions->wall)
    deadline = std::chrono::steady_clock::now() + *plan_.restrictions->wall;
  for (;;) {
    if (deadline) {
      const os::Interest interests[] = {{socket_.Get()}};
      const auto ready = os::WaitReady(interests, deadline);
      if (!ready) return Failed(Part::kSystem, ready.error().value);
      if (!*ready) return ChosenOutcome{.status = 124, .time_limit = true};
    }
    const auto message = Read();
    if (!message) return std::unexpected(message.error());
    switch (message->word) {
      case ChosenWord::kHere:
        break;
      case ChosenWord::kStarting:
        starting_ = true;
        break;
      case ChosenWord::kEnded:
        ended_ = true;
        return Report(message->number);
      case ChosenWord::kFailed:
        return Failed(message->part, message->number, message->index);
      // The socket is closed: the task that had it is the program now, or has been killed.
      case ChosenWord::kGo:
        return EndedUnseen();
    }
  }
}

Answer Monitor::Run(const FilterSource& filters) {
  if (plan_.restrictions) {
    auto groups = Groups::Make(plan_.restrictions->limits.groups);
    if (!groups) return std::unexpected(ChosenFailure{Part::kGroups, 0, 0, groups.error()});
    groups_ = std::move(*groups);
  }
  if (const auto done = JoinNamespaces(); !done) return std::unexpected(done.error());
  if (const auto done = Start(); !done) return std::unexpected(done.error());
  if (const auto done = Settle(filters); !done) return std::unexpected(done.error());
  return Watch();
}

}  // namespace

std::expected<ChosenOutcome, ChosenFailure> RunChosen(const ChosenPlan& plan,
                                                      const FilterSource& filters) {
  ChosenPrepared prepared(plan);
  if (const auto done = os::ExpectChildren(); !done)
    return Failed(Part::kSystem, done.error().value);
  if (const auto done = os::SetNoNewPrivileges(); !done)
    return Failed(Part::kSystem, done.error().value);
  if (const auto done = Prepare(plan, prepared); !done)
    return Failed(Part::kSystem, done.error().value);
  return Monitor(plan, prepared).Run(filters);
}

}  // namespace bailey::sandbox
