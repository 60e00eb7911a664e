#include "guest/listening.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "abi/notification.h"
#include "audit/token_bucket.h"
#include "bpf/execute.h"
#include "guest/naming.h"
#include "guest/sending.h"
#include "guest/task.h"

namespace bailey::guest {
namespace {

constexpr std::size_t kRing = 128;
constexpr std::size_t kStack = std::size_t{64} << 10;
// As many different values as calls of one number are told apart by (audit/denials.h).
constexpr std::uint16_t kMostValues = 16;
// The last row is all that has no place any more.
constexpr std::size_t kRest = Denied::kMostRows - 1;
constexpr std::size_t kIndex = 4 * Denied::kMostRows;
constexpr std::uint16_t kNone = 0xffff;
constexpr std::size_t kMostAddress = 128;
// How long what there is to tell may wait, unless so much waits that some of it would be lost.
constexpr std::chrono::milliseconds kLate{100};
constexpr std::size_t kHurry = kRing / 2;

struct Single {
  bpf::SeccompData data;
  std::uint32_t process = 0;
  Text executable;
  std::array<Text, Called::kMostTexts> texts;
  std::size_t file_count = 0;  // of a call that goes on: texts that are files
  bool is_sent = false;        // of one that goes on: what it asks for
  Sent sent;
};

struct Key {
  std::uint32_t arch = 0, number = 0, returned = 0;
  bool has_value = false;
  std::uint64_t value = 0;
  bool operator==(const Key&) const = default;
};

struct Row {
  Key key;
  Denied denied;
  std::uint64_t told = 0;
};

// What is between the thread that listens and the one that tells the host.
struct Shared {
  std::array<Single, kRing> ring;
  std::size_t begin = 0, count = 0;
  Missed missed, told;
  std::array<Row, Denied::kMostRows> rows;
  std::size_t row_count = 0, row_told = 0;
};

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
// Held from when a call is taken until it is counted and answered, and by who changes the listener.
pthread_mutex_t answering = PTHREAD_MUTEX_INITIALIZER;
// The ring has room again, or nothing is to be kept any more.
pthread_cond_t has_room = PTHREAD_COND_INITIALIZER;
bool is_ending = false;
Shared shared;
const Command* command = nullptr;
std::uint32_t program = 0;  // its process, which is the one that most calls are of
std::span<const bpf::Instruction> filter;
std::optional<audit::TokenBucket> bucket;
std::array<std::uint16_t, Command::kMostWatches> values;  // that were told apart
std::array<std::uint16_t, kIndex> rows_by_key;

class Lock {
 public:
  explicit Lock(pthread_mutex_t& held = mutex) : held_(held) { ::pthread_mutex_lock(&held_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { ::pthread_mutex_unlock(&held_); }

 private:
  pthread_mutex_t& held_;
};

audit::TokenBucket::Time Now() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return audit::TokenBucket::Time(std::chrono::seconds(now.tv_sec) +
                                  std::chrono::nanoseconds(now.tv_nsec));
}

std::uint64_t ValueOf(const Watch& watch, const bpf::SeccompData& data) {
  const std::uint64_t low = data.args[watch.low % data.args.size()];
  if (watch.high != watch.low)
    return data.args[watch.high % data.args.size()] << 32 | (low & 0xffffffff);
  return watch.bits >= 64 ? low : low & ((std::uint64_t{1} << watch.bits) - 1);
}

const Watch* WatchOf(const bpf::SeccompData& data) {
  const auto watches = std::span(command->watches).first(command->watch_count);
  const auto at = std::ranges::lower_bound(
      watches, std::pair(data.arch, data.nr), {},
      [](const Watch& watch) { return std::pair(watch.arch, watch.number); });
  return at != watches.end() && at->arch == data.arch && at->number == data.nr ? &*at : nullptr;
}

std::size_t PlaceOf(const Key& key) {
  std::uint64_t hash = key.value * 0x9e3779b97f4a7c15;
  hash ^= (std::uint64_t{key.arch} << 32 | key.number) * 0xc2b2ae3d27d4eb4f;
  return (hash ^ hash >> 29 ^ key.returned) % kIndex;
}

Row* FindRow(const Key& key) {
  for (std::size_t at = PlaceOf(key); rows_by_key[at] != kNone; at = (at + 1) % kIndex)
    if (Row& row = shared.rows[rows_by_key[at]]; row.key == key) return &row;
  return nullptr;
}

Row& AddRow(const Key& key, const bpf::SeccompData& data, bool rest) {
  const bool is_last = shared.row_count >= kRest;
  const auto number = static_cast<std::uint16_t>(is_last ? kRest : shared.row_count);
  Row& row = shared.rows[number];
  if (is_last && shared.row_count > kRest) return row;
  row = {key, {number, rest || is_last, 0, data}, 0};
  ++shared.row_count;
  if (is_last) return row;
  std::size_t at = PlaceOf(key);
  while (rows_by_key[at] != kNone) at = (at + 1) % kIndex;
  rows_by_key[at] = number;
  return row;
}

Row& RowOf(const bpf::SeccompData& data, std::uint32_t returned) {
  Key key = {data.arch, data.nr, returned};
  const Watch* const watch = WatchOf(data);
  const bool has_telling = watch != nullptr && watch->low != kNoSlot;
  if (has_telling) {
    key.has_value = true;
    key.value = ValueOf(*watch, data);
  }
  if (Row* const row = FindRow(key)) return *row;
  if (!has_telling) return AddRow(key, data, false);
  std::uint16_t& told_apart = values[static_cast<std::size_t>(watch - command->watches.data())];
  if (told_apart < kMostValues) {
    ++told_apart;
    return AddRow(key, data, false);
  }
  key.has_value = false;
  key.value = 0;
  Row* const row = FindRow(key);
  return row ? *row : AddRow(key, data, true);
}

void Read(const seccomp_notif& call, const bpf::SeccompData& data, Single& single) {
  single.data = data;
  single.file_count = 0;
  single.is_sent = false;
  single.process = call.pid == program ? program : ProcessOf(call.pid);
  ReadExecutable(call.pid, single.executable);
  for (Text& text : single.texts) text.slot = kNoSlot;
  const Watch* const watch = WatchOf(data);
  if (watch == nullptr) return;
  const auto task = static_cast<pid_t>(call.pid);
  std::size_t count = 0;
  for (std::uint8_t slot = 0; slot < data.args.size() && count < single.texts.size(); ++slot) {
    Text& text = single.texts[count];
    const bool is_path = (watch->paths >> slot & 1) != 0;
    const bool is_address = slot == watch->address && watch->size < data.args.size();
    if (!(is_path && ReadText(task, data.args[slot], text)) &&
        !(is_address &&
          ReadBytes(task, data.args[slot],
                    std::min<std::size_t>(data.args[watch->size], kMostAddress), text)))
      continue;
    text.slot = slot;
    ++count;
  }
}

// A thread's number may be given to another one when it ends. The kernel is asked after: what was
// read while the call waited is the caller's.
void Keep(int listener, const seccomp_notif& call, const bpf::SeccompData& data) {
  static Single single;
  const bool admitted = bucket->Take(Now());
  if (admitted) Read(call, data, single);
  const bool waits = !admitted || ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call.id) == 0;
  const Lock lock;
  if (!admitted) ++shared.missed.dropped;
  if (!admitted || !waits) return;
  if (shared.count == kRing) {
    shared.begin = (shared.begin + 1) % kRing;
    --shared.count;
    ++shared.missed.dropped;
  }
  shared.ring[(shared.begin + shared.count++) % kRing] = single;
}

// A file that may be withheld, or a change of a network, waits for room in the ring, and the call
// for that: nobody counts these here, so that each is told of.
void KeepUse(int listener, const seccomp_notif& call, const bpf::SeccompData& data) {
  static Single single;
  const auto task = static_cast<pid_t>(call.pid);
  single.file_count = FilesOf(*command, data, task, single.texts);
  single.is_sent = ReadChanges(*command, data, task, single.sent);
  if (single.file_count == 0 && !single.is_sent) return;
  single.data = data;
  single.process = call.pid == program ? program : ProcessOf(call.pid);
  ReadExecutable(call.pid, single.executable);
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call.id) != 0) return;
  const Lock lock;
  while (shared.count == kRing && !is_ending) ::pthread_cond_wait(&has_room, &mutex);
  if (shared.count == kRing) return;
  shared.ring[(shared.begin + shared.count++) % kRing] = single;
}

// Mounts and Landlock decide, and nothing here.
void LetGoOn(int listener, const seccomp_notif& call, const bpf::SeccompData& data) {
  if (command->naming_count + command->sending_count > 0) KeepUse(listener, call, data);
  seccomp_notif_resp response = {};
  response.id = call.id;
  response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  (void)::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);  // or its task has been killed
}

// Counted before it is answered: the program may be over, and all be told, right after.
void Answer(int listener, const seccomp_notif& call) {
  bpf::SeccompData data = {
      static_cast<std::uint32_t>(call.data.nr), call.data.arch, call.data.instruction_pointer, {}};
  for (std::size_t i = 0; i < data.args.size(); ++i) data.args[i] = call.data.args[i];
  const std::uint32_t returned = bpf::Execute(filter, data, false, [](std::uint32_t) {}).value;
  const std::uint32_t answer = abi::PlainAnswer(returned);
  if (answer == static_cast<std::uint32_t>(abi::ActionKind::kAllow))
    return LetGoOn(listener, call, data);
  const bool is_errno =
      (answer & 0xffff0000) == static_cast<std::uint32_t>(abi::ActionKind::kErrno);
  Keep(listener, call, data);
  Row* row = nullptr;
  {
    const Lock lock;
    row = &RowOf(data, returned);
    ++row->denied.count;
  }
  seccomp_notif_resp response = {};
  response.id = call.id;
  // A notify that the policy asked for by name: as if nobody listened.
  response.error = is_errno ? -static_cast<int>(answer & 0xffff) : -ENOSYS;
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0) return;
  const Lock lock;
  --row->denied.count;
  ++shared.missed.unanswered;
}

}  // namespace

int Listening::Take(int listener) {
  if (due_ < 0)
    if (const int error = Start()) return error;
  {
    const Lock held(answering);
    Release();
    listener_ = listener;
  }
  const std::uint64_t one = 1;
  return ::write(changed_, &one, sizeof(one)) < 0 ? errno : 0;
}

void Listening::Begin(const Command& wanted, pid_t process) {
  const Lock held(answering);
  command = &wanted;
  program = static_cast<std::uint32_t>(process);
  const auto records = wanted.filters[wanted.filter_count - 1];
  filter = {reinterpret_cast<const bpf::Instruction*>(records.data()),
            records.size() / sizeof(bpf::Instruction)};
  bucket.emplace(wanted.listen.rate, wanted.listen.burst, Now());
  shared.begin = shared.count = shared.row_count = shared.row_told = 0;
  shared.missed = shared.told = {};
  is_ending = false;
  values.fill(0);
  rows_by_key.fill(kNone);
}

int Listening::Start() {
  changed_ = ::eventfd(0, EFD_CLOEXEC);
  due_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (changed_ < 0 || due_ < 0) return errno;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStack);
  pthread_t thread;
  const int error = ::pthread_create(&thread, &attributes, &Listening::Listen, this);
  ::pthread_attr_destroy(&attributes);
  return error;
}

void Listening::Release() {
  if (listener_ >= 0) ::close(listener_);
  listener_ = -1;
  ++turn_;
}

void Listening::End() {
  {
    const Lock lock;
    is_ending = true;
  }
  ::pthread_cond_signal(&has_room);
  const Lock held(answering);
  // What the thread has not taken yet.
  pollfd wait = {listener_, POLLIN, 0};
  while (listener_ >= 0 && ::poll(&wait, 1, 0) > 0 && (wait.revents & POLLIN) && AnswerNext())
    continue;
  Release();
}

void Listening::Settle() {
  std::uint64_t times = 0;
  (void)!::read(due_, &times, sizeof(times));
}

void Listening::Announce() {
  waits_ = false;
  const std::uint64_t one = 1;
  (void)!::write(due_, &one, sizeof(one));
}

// What came is announced when it is late, or so much that some of it would be lost.
void Listening::NoteCall() {
  bool hurries = false;
  {
    const Lock lock;
    hurries = shared.count >= kHurry;
  }
  if (hurries) return Announce();
  if (!waits_) late_ = Now() + kLate;
  waits_ = true;
}

int Listening::Patience() const {
  if (!waits_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(late_ - Now());
  return static_cast<int>(std::max(left, std::chrono::milliseconds(0)).count());
}

void* Listening::Listen(void* self) {
  static_cast<Listening*>(self)->Listen();
  return nullptr;
}

void Listening::Listen() {
  for (;;) {
    pollfd waits[] = {{changed_, POLLIN, 0}, {-1, POLLIN, 0}};
    unsigned turn = 0;
    {
      const Lock held(answering);
      waits[1].fd = listener_;
      turn = turn_;
    }
    const int ready = ::poll(waits, 2, Patience());
    if (ready < 0) continue;
    if (waits_ && Patience() == 0) Announce();
    if (ready == 0) continue;
    if (waits[0].revents) {
      std::uint64_t times = 0;
      (void)!::read(changed_, &times, sizeof(times));
      continue;
    }
    const Lock held(answering);
    if (turn != turn_) continue;
    if ((waits[1].revents & POLLIN) && AnswerNext())
      NoteCall();
    else
      Release();  // nobody is left
  }
}

bool Listening::AnswerNext() {
  seccomp_notif call = {};
  if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0) {
    Answer(listener_, call);
  } else if (errno == ENOENT) {
    const Lock lock;
    ++shared.missed.unanswered;
  } else if (errno != EINTR) {
    return false;
  }
  return true;
}

Listening::Kind Listening::Next(Called& called, Used& used, Sent& sent) {
  static Single single;
  {
    const Lock lock;
    if (shared.count == 0) return Kind::kNone;
    single = shared.ring[shared.begin];
    shared.begin = (shared.begin + 1) % kRing;
    --shared.count;
  }
  ::pthread_cond_signal(&has_room);
  if (single.file_count > 0) {
    used = {single.data, single.process, single.executable.View(), {}};
    for (std::size_t i = 0; i < single.file_count; ++i)
      used.names[i] = {single.texts[i].slot, single.texts[i].is_there, single.texts[i].View()};
    return Kind::kUsed;
  }
  if (single.is_sent) {
    sent = single.sent;
    sent.data = single.data;
    sent.process = single.process;
    sent.executable = single.executable.View();
    return Kind::kSent;
  }
  called = {single.data, single.process, single.executable.View(), {}};
  for (std::size_t i = 0; i < single.texts.size(); ++i)
    if (single.texts[i].slot != kNoSlot)
      called.texts[i] = {single.texts[i].slot, single.texts[i].View()};
  return Kind::kCalled;
}

bool Listening::Next(Denied& denied) {
  const Lock lock;
  for (; shared.row_told < shared.row_count; ++shared.row_told) {
    Row& row = shared.rows[shared.row_told];
    if (row.denied.count == row.told) continue;
    row.told = row.denied.count;
    denied = row.denied;
    return true;
  }
  shared.row_told = 0;
  return false;
}

bool Listening::Next(Missed& missed) {
  const Lock lock;
  if (shared.missed == shared.told) return false;
  missed = shared.told = shared.missed;
  return true;
}

}  // namespace bailey::guest
