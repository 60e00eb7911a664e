#include "sandbox/chosen_tasks.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <algorithm>

#include "os/events.h"
#include "os/file.h"
#include "os/identity.h"
#include "os/landlock.h"
#include "os/mount.h"
#include "os/network.h"
#include "os/process.h"
#include "os/seccomp.h"

namespace bailey::sandbox {
namespace {

// One of the tasks. What fails ends it.
class ChosenTask {
 public:
  explicit ChosenTask(ChosenPrepared& prepared) : prepared_(prepared), plan_(*prepared.plan) {}

  [[noreturn]] void RunFirst();

 private:
  void Need(Part part, const os::SysStatus& status, std::uint32_t index = 0) const {
    if (!status) Fail(prepared_, part, status.error().value, index);
  }
  template <class T>
  T Need(Part part, os::SysResult<T> result, std::uint32_t index = 0) const {
    if (!result) Fail(prepared_, part, result.error().value, index);
    return std::move(*result);
  }

  void Say(ChosenWord word) const {
    (void)os::Send(prepared_.socket.Get(), ChosenMessage{.word = word}.Bytes());
  }
  // Of what the two tasks say to each other: one that is gone has told why.
  template <class T>
  T NeedPeer(T result) const {
    if (result) return result;
    const int error = result.error().value;
    if (error == EPIPE || error == ECONNRESET) os::Exit(1);
    Fail(prepared_, Part::kSystem, error);
  }
  void WaitForGo() const;
  void TakeIds() const;
  void SettleNamespaces(std::uint32_t namespaces) const;
  bool NeedsSecondUserNamespace() const;
  // `link`: to the other task, where there is one.
  void EnterSecondUserNamespace(int link);
  void MakeSecondUserNamespace(int link);
  // Until the first task has its ids and its root, and so this one has.
  void AwaitRoot(int link);
  void LayOut();
  void MakeRuleset();
  void ReadFilter() const;
  void WaitForBlock() const;
  void DieWithParent() const;
  void AttachFilters() const;
  void AttachSlot(const os::SharedMemory& memory, std::uint32_t& index) const;

  // Where a reaper stays: the program's task beside it.
  [[noreturn]] void RunBeside(int link);
  [[noreturn]] void Reap(const os::Child& program, int link);
  void TakeLocks() const;

  [[noreturn]] void BecomeProgram();
  void ChooseWorkdir();
  void CloseUsed() const;
  int Execute() const;
  int ExecuteAsScript(const char* path) const;

  std::uint32_t LateNamespaces() const { return plan_.namespaces & ~prepared_.early_namespaces; }

  ChosenPrepared& prepared_;
  const ChosenPlan& plan_;
  unsigned mask_ = 0;
  bool has_root_ = false;
};

void ChosenTask::WaitForGo() const {
  ChosenMessage message;
  const auto received =
      os::Receive(prepared_.socket.Get(), {reinterpret_cast<char*>(&message), sizeof(message)});
  if (!received) Fail(prepared_, Part::kSystem, received.error().value);
  if (received->size != sizeof(message) || message.word != ChosenWord::kGo) os::Exit(1);
}

void ChosenTask::TakeIds() const {
  const ChosenIdentity& identity = plan_.identity;
  const bool joined = plan_.descriptors.user_namespace >= 0;
  if (joined && (identity.inside_uid != identity.uid || identity.inside_gid != identity.gid))
    Need(Part::kIds, os::BecomeIds(identity.inside_uid, identity.inside_gid));
  if (!plan_.HasUserNamespace() || plan_.descriptors.user_block >= 0) return;
  const std::uint32_t uid = identity.root_first ? 0 : identity.inside_uid;
  const std::uint32_t gid = identity.root_first ? 0 : identity.inside_gid;
  Need(Part::kIds, os::WriteOwnIdMaps(prepared_.proc.Get(), {uid, identity.uid, 1},
                                      {gid, identity.gid, 1}, true));
}

void ChosenTask::SettleNamespaces(std::uint32_t namespaces) const {
  if (namespaces & os::kNetworkNamespace) Need(Part::kLoopback, os::BringLoopbackUp());
  if (namespaces & os::kUtsNamespace && plan_.hostname)
    Need(Part::kHostname, os::SetHostname(*plan_.hostname));
}

bool ChosenTask::NeedsSecondUserNamespace() const {
  return plan_.HasSecondUserNamespace() || plan_.descriptors.second_user_namespace >= 0;
}

void ChosenTask::AwaitRoot(int link) {
  if (!has_root_) NeedPeer(os::ReceiveDescriptor(link));
  has_root_ = true;
}

void ChosenTask::EnterSecondUserNamespace(int link) {
  if (const int second = plan_.descriptors.second_user_namespace; second >= 0)
    Need(Part::kSecondUserNamespace, os::JoinNamespace(second, os::kUserNamespace));
  if (plan_.HasSecondUserNamespace()) MakeSecondUserNamespace(link);
  // The reaper need not wait until it is furnished.
  if (NeedsSecondUserNamespace() && link >= 0) NeedPeer(os::SendDescriptor(link, -1));
  const ChosenIdentity& identity = plan_.identity;
  if (plan_.HasSecondUserNamespace()) {
    const std::uint32_t uid = identity.root_first ? 0 : identity.inside_uid;
    const std::uint32_t gid = identity.root_first ? 0 : identity.inside_gid;
    Need(Part::kIds, os::WriteOwnIdMaps(prepared_.proc.Get(), {identity.inside_uid, uid, 1},
                                        {identity.inside_gid, gid, 1}, false));
  }
  if (identity.forbid_user_namespaces || identity.check_forbidden) {
    AwaitRoot(link);
    if (os::Unshare(os::kUserNamespace)) Fail(prepared_, Part::kStillAllowed, 0);
  }
  // A new user namespace gives back the whole bounding set. A reaper, which has no capability left
  // and never executes anything, does without this.
  if (plan_.HasUserNamespace() || plan_.descriptors.user_namespace >= 0)
    Need(Part::kCapabilities, os::BoundCapabilities(plan_.capabilities));
}

void ChosenTask::MakeSecondUserNamespace(int link) {
  // The one that follows is the last one; inside it the bound cannot be raised again.
  if (plan_.identity.forbid_user_namespaces) {
    Need(Part::kForbidUserNamespaces,
         os::WriteFile(prepared_.proc.Get(), "sys/user/max_user_namespaces", "1"));
  }
  auto made = os::Unshare(os::kUserNamespace);
  // While the first task has one root mounted over another, on its way in, the kernel takes every
  // process for one in a chroot and gives it none (kernel/user_namespace.c, current_chrooted); nor
  // does it to ids that are not mapped yet.
  if (!made && made.error().value == EPERM && !has_root_) {
    AwaitRoot(link);
    made = os::Unshare(os::kUserNamespace);
  }
  Need(Part::kSecondUserNamespace, made);
}

void ChosenTask::LayOut() {
  mask_ = os::SetFileModeMask(0);
  LayoutFailure failure;
  if (const auto done = LayOutRoot(prepared_, failure); !done)
    Fail(prepared_, failure.part, done.error().value, failure.index);
}

// The policy may name what this root does not show: there is nothing to be granted.
void ChosenTask::MakeRuleset() {
  if (!plan_.restrictions || plan_.restrictions->landlock.abi == 0) return;
  const LandlockPlan& landlock = plan_.restrictions->landlock;
  prepared_.ruleset = Need(Part::kLandlock, os::MakeRuleset(landlock.handled, landlock.scopes));
  for (const PathRule& rule : landlock.rules) {
    base::UniqueFd opened;
    if (rule.standard_fd < 0) {
      auto path = os::Open(AT_FDCWD, rule.path.c_str(), O_PATH | O_NOFOLLOW);
      if (!path && (path.error().value == ENOENT || path.error().value == ENOTDIR)) continue;
      opened = Need(Part::kLandlock, std::move(path));
    }
    const int path = rule.standard_fd >= 0 ? rule.standard_fd : opened.Get();
    std::uint64_t rights = rule.rights;
    const auto found = os::StatFd(path);
    if (found && !S_ISDIR(found->st_mode)) rights &= os::landlock::kFileRights;
    if (rights != 0) Need(Part::kLandlock, os::AddRule(prepared_.ruleset.Get(), path, rights));
  }
}

void ChosenTask::ReadFilter() const {
  const int from = plan_.descriptors.filter;
  if (from < 0) return;
  auto& slot = *static_cast<FilterSlot*>(prepared_.own_filters.Address());
  const auto size = Need(Part::kReadFilter, os::ReadInto(from, slot.records));
  if (size % sizeof(bpf::Instruction) != 0) Fail(prepared_, Part::kFilterSize, 0);
  slot.sizes[0] = static_cast<std::uint32_t>(size);
  slot.count = 1;
}

void ChosenTask::WaitForBlock() const {
  if (plan_.descriptors.block < 0) return;
  std::array<std::uint8_t, 1> byte;
  (void)os::ReadSome(plan_.descriptors.block, byte);
}

void ChosenTask::DieWithParent() const {
  if (!plan_.die_with_parent) return;
  Need(Part::kSystem, os::DieWithParent());
  // It may have died just before.
  const auto there =
      os::Send(prepared_.socket.Get(), ChosenMessage{.word = ChosenWord::kHere}.Bytes());
  NeedPeer(there);
}

void ChosenTask::AttachSlot(const os::SharedMemory& memory, std::uint32_t& index) const {
  if (memory.Address() == nullptr) return;
  const auto& slot = *static_cast<const FilterSlot*>(memory.Address());
  const std::uint8_t* records = slot.records.data();
  for (std::uint32_t i = 0; i < slot.count; ++i, ++index) {
    Need(Part::kFilter, os::AttachFilter({records, slot.sizes[i]}), index);
    records += slot.sizes[i];
  }
}

void ChosenTask::AttachFilters() const {
  std::uint32_t index = 0;
  AttachSlot(prepared_.own_filters, index);
  AttachSlot(prepared_.policy_filters, index);
}

void ChosenTask::TakeLocks() const {
  for (std::uint32_t i = 0; i < plan_.lock_files.size(); ++i) {
    auto file = Need(Part::kOpenLock, os::Open(AT_FDCWD, plan_.lock_files[i].c_str(), O_RDONLY), i);
    Need(Part::kLock, os::LockForReading(file.Get()), i);
    (void)file.Release();  // held until this task ends
  }
}

void ChosenTask::CloseUsed() const {
  const ChosenDescriptors& used = plan_.descriptors;
  const auto close = [](int descriptor) { base::UniqueFd(descriptor).Reset(); };
  for (const int descriptor : used.used) close(descriptor);
  for (const int descriptor : {used.block, used.user_block, used.filter, used.user_namespace,
                               used.second_user_namespace, used.pid_namespace})
    close(descriptor);
  // Without a reaper it is the program that holds it.
  if (plan_.HasReaper()) close(used.sync);
}

void ChosenTask::ChooseWorkdir() {
  std::size_t chosen = 0;
  if (plan_.workdir) {
    Need(Part::kWorkdir, os::ChangeDirectory(plan_.workdir->c_str()));
  } else {
    while (chosen < plan_.workdirs.size() && !os::ChangeDirectory(plan_.workdirs[chosen].c_str()))
      ++chosen;
  }
  prepared_.environment[prepared_.pwd] = prepared_.pwds[chosen].data();
}

int ChosenTask::ExecuteAsScript(const char* path) const {
  std::vector<char*>& words = prepared_.script;
  words[1] = const_cast<char*>(path);
  return os::Execute(words[0], words.data(), prepared_.environment.data()).error().value;
}

// As execvp(3) of glibc: what is not there is passed over, what may not be executed is remembered,
// and a file that is no program is a shell's script.
int ChosenTask::Execute() const {
  int answer = ENOENT;
  for (const std::string& candidate : prepared_.candidates) {
    const char* const path = candidate.c_str();
    int error =
        os::Execute(path, prepared_.argv.data(), prepared_.environment.data()).error().value;
    if (error == ENOEXEC) error = ExecuteAsScript(path);
    const bool absent = error == ENOENT || error == ESTALE || error == ENOTDIR || error == ENODEV ||
                        error == ETIMEDOUT;
    if (!absent && error != EACCES) return error;
    if (answer != EACCES) answer = error;
  }
  return answer;
}

void ChosenTask::BecomeProgram() {
  if (plan_.set_capabilities)
    Need(Part::kCapabilities, os::SetCapabilities(plan_.capabilities, plan_.capabilities));
  Need(Part::kCapabilities, os::SetDumpable(true));
  if (!plan_.HasReaper()) {
    WaitForBlock();
    ReadFilter();
    if (prepared_.policy_filters.Address() != nullptr) WaitForGo();
    (void)os::SetFileModeMask(mask_);
  }
  ChooseWorkdir();
  if (!plan_.HasReaper() && plan_.new_session) Need(Part::kSession, os::StartSession());
  if (plan_.restrictions) {
    std::uint32_t index = 0;
    for (const Limit& limit : plan_.restrictions->limits.resources)
      Need(Part::kLimits, os::SetLimit(limit.resource, limit.value), index++);
  }
  CloseUsed();
  DieWithParent();
  Need(Part::kCapabilities, os::RaiseAmbient(plan_.capabilities));
  if (prepared_.ruleset.IsOpen()) Need(Part::kLandlock, os::Restrict(prepared_.ruleset.Get()));
  if (plan_.descriptors.status >= 0) Say(ChosenWord::kStarting);
  AttachFilters();
  Fail(prepared_, Part::kExecute, Execute());
}

void ChosenTask::RunBeside(int link) {
  if (LateNamespaces() != 0) Need(Part::kMakeNamespaces, os::Unshare(LateNamespaces()));
  if (!NeedsSecondUserNamespace()) NeedPeer(os::SendDescriptor(link, -1));
  SettleNamespaces(LateNamespaces());
  EnterSecondUserNamespace(link);
  AwaitRoot(link);
  auto ruleset = NeedPeer(os::ReceiveDescriptor(link));
  prepared_.ruleset = std::move(*ruleset);
  BecomeProgram();
}

void ChosenTask::Reap(const os::Child& program, int link) {
  Need(Part::kCapabilities, os::SetCapabilities(0, 0));
  WaitForBlock();
  ReadFilter();
  if (prepared_.policy_filters.Address() != nullptr) WaitForGo();
  std::array<int, 4> kept = {prepared_.socket.Get(), link, prepared_.ruleset.Get(),
                             plan_.descriptors.sync};
  std::ranges::sort(kept);
  const auto first = std::ranges::find_if(kept, [](int descriptor) { return descriptor > 2; });
  Need(Part::kSystem, os::CloseAllBut({first, kept.end()}));
  TakeLocks();
  // With a policy, nothing inside is to act through this task.
  if (plan_.restrictions) Need(Part::kReaper, os::SetDumpable(false));
  DieWithParent();
  Need(Part::kSystem, os::IgnoreBrokenPipes());
  NeedPeer(os::SendDescriptor(link, prepared_.ruleset.Get()));
  base::UniqueFd(link).Reset();
  if (prepared_.ruleset.IsOpen()) Need(Part::kLandlock, os::Restrict(prepared_.ruleset.Get()));
  AttachFilters();
  int answer = 1;
  for (;;) {
    const auto ended = os::WaitForAny();
    if (!ended) os::Exit(answer);
    if (ended->first != program.pid) continue;
    const int status = ended->second;
    answer = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    const ChosenMessage message = {.word = ChosenWord::kEnded, .number = answer};
    (void)os::WriteAll(prepared_.socket.Get(), message.Bytes());
    prepared_.socket.Reset();
  }
}

void ChosenTask::RunFirst() {
  // Their readers wait for the end of what the monitor writes.
  base::UniqueFd(plan_.descriptors.info).Reset();
  base::UniqueFd(plan_.descriptors.status).Reset();
  if (prepared_.say_pid) Say(ChosenWord::kHere);
  if (prepared_.wait_for_go) WaitForGo();
  // Ids are a task's own, but for those that a new user namespace maps: these are the namespace's,
  // and the program's task begins without them.
  const bool ids_first = plan_.descriptors.user_namespace >= 0 || !plan_.HasReaper();
  if (ids_first) TakeIds();
  os::Child program;
  std::array<base::UniqueFd, 2> links;
  if (plan_.HasReaper()) {
    if (plan_.new_session) Need(Part::kSession, os::StartSession());
    links = Need(Part::kSystem, os::MessagePair());
    program = Need(Part::kReaper, os::Fork(0));
    if (program.pid == 0) {
      links[0].Reset();
      RunBeside(links[1].Get());
    }
    links[1].Reset();
  }
  if (!ids_first) TakeIds();
  SettleNamespaces(plan_.namespaces & prepared_.early_namespaces);
  LayOut();
  Need(Part::kPivot, os::EnterRoot(prepared_.root.Get()));
  prepared_.root.Reset();
  has_root_ = true;
  if (plan_.HasReaper()) NeedPeer(os::SendDescriptor(links[0].Get(), -1));
  MakeRuleset();
  if (!plan_.HasReaper()) {
    EnterSecondUserNamespace(-1);
    BecomeProgram();
  }
  // Its message says that its namespaces are made.
  NeedPeer(os::ReceiveDescriptor(links[0].Get()));
  if (LateNamespaces() != 0)
    Need(Part::kMakeNamespaces, os::JoinNamespaces(program.pidfd.Get(), LateNamespaces()));
  if (NeedsSecondUserNamespace()) {
    Need(Part::kSecondUserNamespace, os::JoinNamespaces(program.pidfd.Get(), os::kUserNamespace));
  }
  Reap(program, links[0].Release());
}

}  // namespace

void RunFirstTask(ChosenPrepared& prepared) { ChosenTask(prepared).RunFirst(); }

void Fail(const ChosenPrepared& prepared, Part part, int number, std::uint32_t index) {
  const ChosenMessage message = {ChosenWord::kFailed, part, index, number};
  // A monitor that is gone is told nothing. write(2): a filter may be in force already.
  (void)os::WriteAll(prepared.socket.Get(), message.Bytes());
  os::Exit(1);
}

}  // namespace bailey::sandbox
