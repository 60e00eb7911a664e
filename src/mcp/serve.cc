// The service's input and output: lines in, calls side by side on threads, lines out.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "mcp/replies.h"
#include "mcp/service.h"
#include "os/events.h"
#include "os/file.h"
#include "os/piped_child.h"

namespace bailey::mcp {
namespace {

constexpr std::size_t kMostLine = 4 << 20;
constexpr std::size_t kMostCalls = 16;

// Whole lines, one at a time.
class LineWriter {
 public:
  explicit LineWriter(int to) : to_(to) {}
  void Write(const std::string& line) {
    const std::scoped_lock lock(mutex_);
    for (std::string_view left = line; !left.empty();) {
      const ssize_t size = ::write(to_, left.data(), left.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return;  // nobody reads any more: the end of input says so too
      left.remove_prefix(static_cast<std::size_t>(size));
    }
  }

 private:
  int to_;
  std::mutex mutex_;
};

class Calls {
 public:
  Calls(Service& service, LineWriter& writer) : service_(service), writer_(writer) {}
  ~Calls() {
    service_.CancelAll();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return running_ == 0; });
  }

  // Waits for room; threads are left to themselves and counted.
  void Start(std::string line, const Id& id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return running_ < kMostCalls; });
    auto cancellation = service_.Begin(id);
    if (!cancellation)
      return writer_.Write(ErrorReply(id, kInvalidRequest, "read request: its id is in use"));
    ++running_;
    std::thread([this, id, line = std::move(line), cancellation = std::move(cancellation)] {
      writer_.Write(service_.Answer(line, *cancellation));
      service_.End(id);
      // The last that this thread does with what outlives it only until the count is zero.
      const std::scoped_lock ended(mutex_);
      --running_;
      changed_.notify_all();
    }).detach();
  }

 private:
  Service& service_;
  LineWriter& writer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t running_ = 0;
};

class Reader {
 public:
  Reader(Service& service, Calls& calls, LineWriter& writer)
      : service_(service), calls_(calls), writer_(writer) {}

  void Take(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t taken = scanner_.Take(bytes);
      if (line_.size() <= kMostLine) line_ += bytes.substr(0, taken);
      bytes.remove_prefix(taken);
      if (!scanner_.IsAtEnd()) continue;
      if (!scanner_.IsBlank()) Message();
      scanner_.Reset();
      line_.clear();
    }
  }

 private:
  void Message() {
    const Head& head = scanner_.GetHead();
    if (!scanner_.Fault().empty()) {
      writer_.Write(
          ErrorReply(head.id, kParseError, fmt::format("read request: {}", scanner_.Fault())));
    } else if (line_.size() > kMostLine) {
      writer_.Write(ErrorReply(head.id, kInvalidRequest,
                               fmt::format("read request: it is longer than {} bytes", kMostLine)));
    } else if (head.method == "tools/call" && head.id) {
      calls_.Start(line_, *head.id);
    } else {
      writer_.Write(service_.Answer(line_));
    }
  }

  Service& service_;
  Calls& calls_;
  LineWriter& writer_;
  Scanner scanner_;
  std::string line_;
};

// Waits for signals that would end the process, which does not end before it has cleaned up.
class Interruption {
 public:
  // Before there are other threads: they do not take these signals then.
  static base::Result<Interruption> Await(std::function<void()> interrupted) {
    auto signals = os::SignalQueue::Make();
    if (!signals) return base::SystemError("wait for signals", signals.error().value);
    auto pipe = os::MakePipe();
    if (!pipe) return base::SystemError("wait for signals", pipe.error().value);
    return Interruption(std::move((*pipe)[1]),
                        std::thread(&Wait, std::optional(*std::move(signals)),
                                    std::move((*pipe)[0]), std::move(interrupted)));
  }
  Interruption(Interruption&&) = default;
  Interruption& operator=(Interruption&&) = delete;
  ~Interruption() {
    end_.Reset();
    if (thread_.joinable()) thread_.join();
  }

 private:
  Interruption(base::UniqueFd end, std::thread thread)
      : end_(std::move(end)), thread_(std::move(thread)) {}

  // Until the other end of `end` is closed.
  static void Wait(std::optional<os::SignalQueue> signals, const base::UniqueFd& end,
                   const std::function<void()>& interrupted) {
    const std::array<os::Interest, 2> interests = {{{signals->Descriptor()}, {end.Get()}}};
    for (;;) {
      const auto ready = os::WaitReady(interests, std::nullopt);
      if (!ready || **ready == 1) return;
      const auto signal = signals->Next();
      if (!signal || !os::IsFatal(*signal)) continue;
      interrupted();
      signals.reset();  // they are let in again, in this thread alone
      os::Raise(*signal);
    }
  }

  base::UniqueFd end_;
  std::thread thread_;
};

}  // namespace

base::Status Serve(Service& service, int from, int to, std::function<void()> interrupted) {
  if (const auto ignored = os::IgnoreBrokenPipes(); !ignored)
    return base::SystemError("ignore broken pipes", ignored.error().value);
  const auto interruption = Interruption::Await([&service, then = std::move(interrupted)] {
    service.CancelAll();
    then();
  });
  if (!interruption) return interruption.error();
  LineWriter writer(to);
  Calls calls(service, writer);
  Reader reader(service, calls, writer);
  std::vector<char> buffer(64 << 10);
  for (;;) {
    const auto size = os::ReadOnce(from, buffer);
    if (!size) return base::SystemError("read from the client", size.error().value);
    if (*size == 0) return {};
    reader.Take({buffer.data(), *size});
  }
}

}  // namespace bailey::mcp
