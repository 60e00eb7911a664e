#include "guest/machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/random.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace bailey::guest {
namespace {

constexpr const char* kPort = "/dev/vport0p1";
// The port appears when the kernel has found the device, which it looks for beside us.
constexpr int kPortMilliseconds = 10'000;

// A monitor that has no ports of its own (Firecracker) is spoken to through vsock, and cannot
// switch a machine off: it ends with a restart.
bool over_vsock = false;

// In milliseconds. The counters of all groups' memory make their first round two seconds after the
// kernel's start (stats_flush_dwork, mm/memcontrol.c). Those of each processor's memory make one
// each second until the kernel's command line says otherwise (vmstat_shepherd, mm/vmstat.c), which
// it does right before this process starts.
constexpr std::int64_t kFirstRound = 2500, kLastRounds = 1500;
// What comes due while nothing runs waits for a tick of the clock that something runs at.
constexpr std::int64_t kTicks = 20;
std::int64_t started_at = 0;

ssize_t ReadFile(const char* path, std::span<char> room) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  const ssize_t size = ::read(file, room.data(), room.size());
  ::close(file);
  return size;
}

void LoadModule(const char* name) {
  Path path;
  path << "/modules/" << name;
  const int file = path.Text() ? ::open(path.Text(), O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  // One that fails shows as what is missing then: the port, or a file system.
  (void)::syscall(SYS_finit_module, file, "", 0);
  ::close(file);
}

void LoadModules() {
  static char names[4096];
  const ssize_t size = ReadFile("/modules/order", {names, sizeof(names) - 1});
  if (size < 0) return;
  names[size] = '\0';
  char* rest = nullptr;
  for (char* name = ::strtok_r(names, "\n", &rest); name; name = ::strtok_r(nullptr, "\n", &rest))
    LoadModule(name);
}

// The port is there before the kernel has heard that the host has its end open, and until then
// reads as one that the host has left (virtio_console.c, add_port and port_fops_read).
bool IsConnected(int port) {
  pollfd wait = {port, POLLOUT, 0};
  return ::poll(&wait, 1, 0) >= 0 && (wait.revents & POLLHUP) == 0;
}

int OpenPort() {
  int port = -1;
  for (int waited = 0; waited < kPortMilliseconds; ++waited) {
    if (port < 0) port = ::open(kPort, O_RDWR | O_CLOEXEC);
    if (port >= 0 && IsConnected(port)) return port;
    if (port < 0 && errno != ENOENT && errno != EBUSY && errno != ENXIO) return port;
    const timespec moment = {0, 1'000'000};
    ::nanosleep(&moment, nullptr);
  }
  return -1;
}

// The value of a word of the kernel's command line, "NAME=VALUE"; empty where there is none.
std::string_view BootWord(std::string_view name) {
  static char words[4096];
  static const ssize_t size = ReadFile("/proc/cmdline", words);
  std::string_view rest(words, size > 0 ? static_cast<std::size_t>(size) : 0);
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find_first_of(" \n"));
    rest.remove_prefix(word.size() < rest.size() ? word.size() + 1 : rest.size());
    if (word.size() > name.size() && word.substr(0, name.size()) == name &&
        word[name.size()] == '=')
      return word.substr(name.size() + 1);
  }
  return {};
}

// A drive's name is its serial number, but for a monitor that makes these up itself: then the
// command line says "bailey.drives=SERIAL:NAME,SERIAL:NAME".
bool IsDrive(std::string_view serial, std::string_view name) {
  std::string_view rest = BootWord("bailey.drives");
  if (rest.empty()) return serial == name;
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find(','));
    rest.remove_prefix(entry.size() < rest.size() ? entry.size() + 1 : rest.size());
    const std::size_t colon = entry.find(':');
    if (colon != entry.npos && entry.substr(0, colon) == serial && entry.substr(colon + 1) == name)
      return true;
  }
  return false;
}

// One connection is all that is ever taken: nobody else can come after the host.
int AcceptHost() {
  const int listener = ::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_vm address = {};
  address.svm_family = AF_VSOCK;
  address.svm_cid = VMADDR_CID_ANY;
  address.svm_port = kVsockPort;
  if (listener < 0 ||
      ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener, 1) != 0)
    return -1;
  int line = -1;
  do {
    line = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  } while (line < 0 && (errno == EINTR || errno == ECONNABORTED));
  ::close(listener);
  return line;
}

}  // namespace

Path& Path::operator<<(std::string_view text) {
  if (!fits_ || text.size() >= kPathRoom - size_) {
    fits_ = false;
    return *this;
  }
  if (!text.empty()) memcpy(text_ + size_, text.data(), text.size());
  size_ += text.size();
  return *this;
}

Path& Path::operator<<(std::size_t number) {
  char digits[24];
  char* at = digits + sizeof(digits);
  do {
    *--at = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  return *this << std::string_view(at, static_cast<std::size_t>(digits + sizeof(digits) - at));
}

int Boot() {
  started_at = Milliseconds();
  for (const char* place : {"/proc", "/sys", "/dev", "/group", "/root", "/layers", "/trees"})
    ::mkdir(place, 0700);
  ::mount("proc", "/proc", "proc", MS_NOATIME, nullptr);
  ::mount("sysfs", "/sys", "sysfs", 0, nullptr);
  ::mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);
  LoadModules();
  over_vsock = BootWord("bailey.line") == "vsock";
  return over_vsock ? AcceptHost() : OpenPort();
}

int Refresh(const Welcome& welcome) {
  // Two machines from one snapshot would otherwise go on with the same random numbers.
  struct {  // a rand_pool_info
    int bits, size;
    Token bytes;
  } entropy = {static_cast<int>(welcome.seed.size() * 8), static_cast<int>(welcome.seed.size()),
               welcome.seed};
  // For good: who begins as this machine comes here again.
  static int random = -1;
  if (random < 0) random = ::open("/dev/urandom", O_RDWR | O_CLOEXEC);
  const bool fed =
      ::ioctl(random, RNDADDENTROPY, &entropy) == 0 && ::ioctl(random, RNDRESEEDCRNG, nullptr) == 0;
  const int error = errno;
  ::explicit_bzero(&entropy, sizeof(entropy));
  if (!fed) return error;
  const timespec now = {static_cast<time_t>(welcome.seconds),
                        static_cast<long>(welcome.nanoseconds)};
  return ::clock_settime(CLOCK_REALTIME, &now) == 0 ? 0 : errno;
}

int OwnMemory() {
  static char text[16 << 10];
  const ssize_t size = ReadFile("/proc/self/maps", text);
  if (size < 0) return errno;
  std::string_view rest(text, static_cast<std::size_t>(size));
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : rest.size());
    std::uintptr_t begin = 0, end = 0;
    const char* const dash = std::from_chars(line.begin(), line.end(), begin, 16).ptr;
    if (dash == line.end()) continue;
    const char* const space = std::from_chars(dash + 1, line.end(), end, 16).ptr;
    if (!std::string_view(space, line.end()).starts_with(" rw-p")) continue;
    if (::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE) != 0)
      return errno;
  }
  return 0;
}

std::int64_t Milliseconds() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void Settle() {
  const std::int64_t settled_at = std::max(kFirstRound, started_at + kLastRounds);
  if (const std::int64_t left = settled_at - Milliseconds(); left > 0) {
    const timespec rest = {left / 1000, left % 1000 * 1'000'000};
    ::nanosleep(&rest, nullptr);
  }
  for (const std::int64_t end = Milliseconds() + kTicks; Milliseconds() < end;) ::sched_yield();
}

std::string_view KernelRelease() {
  static utsname names;
  if (::uname(&names) != 0) return {};
  return names.release;
}

std::uint32_t LandlockVersion() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version > 0 ? static_cast<std::uint32_t>(version) : 0;
}

int OpenDrive(std::string_view wanted, int flags, Path& path) {
  DIR* const blocks = ::opendir("/sys/block");
  if (!blocks) return -errno;
  int found = -ENODEV;
  while (const dirent* const entry = ::readdir(blocks)) {
    Path name;
    name << "/sys/block/" << entry->d_name << "/serial";
    char text[64];
    const ssize_t size = name.Text() ? ReadFile(name.Text(), text) : -1;
    if (size < 0) continue;
    std::string_view serial(text, static_cast<std::size_t>(size));
    while (!serial.empty() && (serial.back() == '\n' || serial.back() == '\0'))
      serial.remove_suffix(1);
    if (!IsDrive(serial, wanted)) continue;
    path = Path();
    path << "/dev/" << entry->d_name;
    const int opened = path.Text() ? ::open(path.Text(), flags | O_CLOEXEC) : -1;
    found = opened >= 0 ? opened : -errno;
    break;
  }
  ::closedir(blocks);
  return found;
}

void SwitchOff() {
  ::reboot(over_vsock ? RB_AUTOBOOT : RB_POWER_OFF);
  ::_exit(0);  // the kernel panics and, as it is told to, restarts: which ends the machine too
}

bool WriteAll(int fd, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd wait = {fd, POLLOUT, 0};
      (void)::poll(&wait, 1, -1);
      continue;
    }
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace bailey::guest
