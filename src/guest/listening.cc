#include "guest/listening.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "abi/notification.h"
#include "audit/token_bucket.h"
#include "bpf/execute.h"
#include "guest/machine.h"

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

struct Text {
  std::uint8_t slot = kNoSlot;
  std::size_t size = 0;
  char bytes[Called::kMostText];
  std::string_view View() const { return {bytes, size}; }
};

struct Single {
  bpf::SeccompData data;
  std::uint32_t process = 0;
  Text executable;
  std::array<Text, Called::kMostTexts> texts;
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
Shared shared;
const Command* command = nullptr;
std::span<const bpf::Instruction> filter;
std::optional<audit::TokenBucket> bucket;
std::array<std::uint16_t, Command::kMostWatches> values;  // that were told apart
std::array<std::uint16_t, kIndex> rows_by_key;

class Lock {
 public:
  Lock() { ::pthread_mutex_lock(&mutex); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { ::pthread_mutex_unlock(&mutex); }
};

audit::TokenBucket::Time Now() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return audit::TokenBucket::Time(std::chrono::seconds(now.tv_sec) +
                                  std::chrono::nanoseconds(now.tv_nsec));
}

// Up to the first null byte, or as far as it is there and fits.
bool ReadText(pid_t task, std::uint64_t address, Text& text) {
  constexpr std::size_t kPage = 4096;
  text.size = 0;
  while (text.size < sizeof(text.bytes)) {
    const std::uint64_t at = address + text.size;
    iovec to = {text.bytes + text.size,
                std::min<std::size_t>(sizeof(text.bytes) - text.size, kPage - at % kPage)};
    iovec from = {reinterpret_cast<void*>(at), to.iov_len};
    const ssize_t size = ::process_vm_readv(task, &to, 1, &from, 1, 0);
    if (size <= 0) return false;
    if (const void* const end = memchr(to.iov_base, '\0', static_cast<std::size_t>(size))) {
      text.size = static_cast<std::size_t>(static_cast<const char*>(end) - text.bytes);
      return true;
    }
    text.size += static_cast<std::size_t>(size);
  }
  return true;
}

bool ReadBytes(pid_t task, std::uint64_t address, std::size_t size, Text& text) {
  iovec to = {text.bytes, std::min(size, sizeof(text.bytes))};
  iovec from = {reinterpret_cast<void*>(address), to.iov_len};
  const ssize_t count = ::process_vm_readv(task, &to, 1, &from, 1, 0);
  text.size = count > 0 ? static_cast<std::size_t>(count) : 0;
  return count > 0;
}

std::uint32_t ProcessOf(std::uint32_t thread) {
  Path path;
  path << "/proc/" << thread << "/status";
  const int file = ::open(path.Text(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return thread;
  char bytes[1024];
  const ssize_t size = ::read(file, bytes, sizeof(bytes));
  ::close(file);
  const std::string_view status(bytes, size > 0 ? static_cast<std::size_t>(size) : 0);
  std::size_t at = status.find("\nTgid:\t");
  if (at == std::string_view::npos) return thread;
  std::uint32_t number = 0;
  for (at += 7; at < status.size() && status[at] >= '0' && status[at] <= '9'; ++at)
    number = number * 10 + static_cast<std::uint32_t>(status[at] - '0');
  return number;
}

void ReadExecutable(std::uint32_t thread, Text& text) {
  Path path;
  path << "/proc/" << thread << "/exe";
  const ssize_t size = ::readlink(path.Text(), text.bytes, sizeof(text.bytes));
  text.size = size > 0 ? static_cast<std::size_t>(size) : 0;
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
  single.process = ProcessOf(call.pid);
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

// Counted before it is answered: the program may be over, and all be told, right after.
void Answer(int listener, const seccomp_notif& call) {
  bpf::SeccompData data = {
      static_cast<std::uint32_t>(call.data.nr), call.data.arch, call.data.instruction_pointer, {}};
  for (std::size_t i = 0; i < data.args.size(); ++i) data.args[i] = call.data.args[i];
  const std::uint32_t returned = bpf::Execute(filter, data, false, [](std::uint32_t) {}).value;
  const std::uint32_t answer = abi::PlainAnswer(returned);
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

int Listening::Begin(int listener, const Command& wanted) {
  listener_ = listener;
  command = &wanted;
  const auto records = wanted.filters[wanted.filter_count - 1];
  filter = {reinterpret_cast<const bpf::Instruction*>(records.data()),
            records.size() / sizeof(bpf::Instruction)};
  bucket.emplace(wanted.listen.rate, wanted.listen.burst, Now());
  shared.begin = shared.count = shared.row_count = shared.row_told = 0;
  shared.missed = shared.told = {};
  values.fill(0);
  rows_by_key.fill(kNone);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  changed_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_ < 0 || changed_ < 0) return errno;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStack);
  const int error = ::pthread_create(&thread_, &attributes, &Listening::Listen, this);
  ::pthread_attr_destroy(&attributes);
  if (error != 0) thread_ = 0;
  return error;
}

void Listening::End() {
  if (thread_ != 0) {
    const std::uint64_t one = 1;
    (void)!::write(stop_, &one, sizeof(one));
    ::pthread_join(thread_, nullptr);
    thread_ = 0;
  }
  for (int* const descriptor : {&listener_, &stop_, &changed_}) {
    if (*descriptor >= 0) ::close(*descriptor);
    *descriptor = -1;
  }
}

void Listening::Settle() {
  std::uint64_t times = 0;
  (void)!::read(changed_, &times, sizeof(times));
}

void* Listening::Listen(void* self) {
  static_cast<Listening*>(self)->Listen();
  return nullptr;
}

void Listening::Listen() {
  for (;;) {
    pollfd waits[] = {{listener_, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0) continue;
    if (!(waits[0].revents & POLLIN)) return;  // nobody is left, or it is over
    seccomp_notif call = {};
    if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0) {
      Answer(listener_, call);
      const std::uint64_t one = 1;
      (void)!::write(changed_, &one, sizeof(one));
    } else if (errno == ENOENT) {
      const Lock lock;
      ++shared.missed.unanswered;
    } else if (errno != EINTR) {
      return;
    }
  }
}

bool Listening::Next(Called& called) {
  static Single single;
  {
    const Lock lock;
    if (shared.count == 0) return false;
    single = shared.ring[shared.begin];
    shared.begin = (shared.begin + 1) % kRing;
    --shared.count;
  }
  called = {single.data, single.process, single.executable.View(), {}};
  for (std::size_t i = 0; i < single.texts.size(); ++i)
    if (single.texts[i].slot != kNoSlot)
      called.texts[i] = {single.texts[i].slot, single.texts[i].View()};
  return true;
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
