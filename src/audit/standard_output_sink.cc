#include "audit/standard_output_sink.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "os/unix_socket.h"

namespace bailey::audit {
namespace {

// Standard output is shared with the program, so it cannot be made non-blocking: it is asked before
// each piece, and takes pieces of PIPE_BUF bytes without waiting when it says yes. A line that was
// begun is ended before the next, whatever is lost between.
class StandardOutputSink : public Sink {
 public:
  std::string_view Name() const override { return "stdout"; }

  void Write(const Event& event) override {
    Flush();
    if (!rest_.empty()) return Lose("nobody reads");
    rest_ = ToJson(event) + "\n";
    Flush();
  }

 private:
  void Flush() {
    while (!rest_.empty() && os::CanWriteNow(STDOUT_FILENO)) {
      const std::size_t size = std::min<std::size_t>(rest_.size(), PIPE_BUF);
      const ssize_t written = ::write(STDOUT_FILENO, rest_.data(), size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        rest_.clear();
        return Lose(std::strerror(errno));
      }
      rest_.erase(0, static_cast<std::size_t>(written));
    }
  }

  std::string rest_;
};

}  // namespace

std::unique_ptr<Sink> MakeStandardOutputSink() { return std::make_unique<StandardOutputSink>(); }

}  // namespace bailey::audit
