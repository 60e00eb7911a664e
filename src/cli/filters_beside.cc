#include "cli/filters_beside.h"

#include <signal.h>
#include <sys/wait.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "cli/proved_filters.h"
#include "os/file.h"
#include "os/start_heap.h"

namespace bailey::cli {
namespace {

// What making and proving the largest preset takes.
constexpr std::size_t kMakerHeap = 272 << 10;
// More than the kernel takes for one process (kernel/seccomp.c, MAX_INSNS_PER_PATH).
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

// Each behind its size. In this machine's byte order: both ends are this executable.
std::string Pack(const std::vector<bpf::Program>& filters) {
  std::string packed;
  for (const bpf::Program& filter : filters) {
    const std::vector<std::uint8_t> bytes = filter.Bytes();
    const std::size_t size = bytes.size();
    packed.append(reinterpret_cast<const char*>(&size), sizeof(size));
    packed.append(reinterpret_cast<const char*>(bytes.data()), size);
  }
  return packed;
}

base::Result<std::vector<bpf::Program>> Unpack(const std::string& packed) {
  std::span<const std::uint8_t> rest(reinterpret_cast<const std::uint8_t*>(packed.data()),
                                     packed.size());
  std::vector<bpf::Program> filters;
  while (!rest.empty()) {
    std::size_t size = 0;
    if (rest.size() < sizeof(size)) return base::Internal("take the filters: they are cut off");
    std::memcpy(&size, rest.data(), sizeof(size));
    rest = rest.subspan(sizeof(size));
    if (rest.size() < size) return base::Internal("take the filters: they are cut off");
    auto filter = bpf::Read(rest.first(size));
    if (!filter) return filter.error();
    filters.push_back(*std::move(filter));
    rest = rest.subspan(size);
  }
  return filters;
}

[[noreturn]] void Make(const policy::Policy& policy, bool notified, int line) {
  if (!os::DieWithParent()) os::Exit(1);
  os::RenewStartHeap(kMakerHeap);
  const auto filters = ProvedFilters(policy, notified);
  os::Exit(filters && os::WriteAll(line, Pack(*filters)) ? 0 : 1);
}

}  // namespace

FiltersBeside::FiltersBeside(const policy::Policy& policy, bool notified)
    : policy_(policy), notified_(notified) {
  if (!os::HasProcessors(2) || !os::ExpectChildren()) return;
  auto pipe = os::MakePipe();
  if (!pipe) return;
  auto maker = os::Fork(0);
  if (!maker) return;
  if (maker->pid == 0) Make(policy, notified, (*pipe)[1].Get());
  os::PlaceBeside(maker->pid);
  maker_ = *std::move(maker);
  line_ = std::move((*pipe)[0]);
}

FiltersBeside::~FiltersBeside() {
  if (maker_.pid <= 0) return;
  (void)os::SendSignal(maker_.pidfd.Get(), SIGKILL);
  (void)os::WaitFor(maker_.pid);
}

base::Result<std::vector<bpf::Program>> FiltersBeside::Take() {
  auto filters = Hear();
  return filters ? std::move(filters) : ProvedFilters(policy_, notified_);
}

base::Result<std::vector<bpf::Program>> FiltersBeside::Hear() {
  if (maker_.pid <= 0) return base::Internal("take the filters: nobody makes them");
  const auto packed = os::ReadAll(line_.Get(), kMostBytes);
  const auto ended = os::WaitFor(std::exchange(maker_.pid, -1));
  if (!packed || !ended || ended->wait_status != 0)
    return base::Internal("take the filters: who made them has failed");
  return Unpack(*packed);
}

}  // namespace bailey::cli
