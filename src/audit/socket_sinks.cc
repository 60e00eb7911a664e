#include "audit/socket_sinks.h"

#include <chrono>
#include <cstring>

#include "os/host.h"
#include "os/unix_socket.h"

namespace bailey::audit {
namespace {

using Clock = std::chrono::steady_clock;

// A socket that is connected when it is needed, and again after its reader was gone: at most once
// a second.
class Line {
 public:
  Line(std::string path, os::SocketKind kind) : path_(std::move(path)), kind_(kind) {}

  // Why it is not connected; 0 when it is.
  int Connect() {
    if (socket_.IsOpen()) return 0;
    const Clock::time_point now = Clock::now();
    if (tried_ && now - *tried_ < std::chrono::seconds(1)) return fault_;
    tried_ = now;
    auto socket = os::ConnectUnix(path_, kind_);
    fault_ = socket ? 0 : socket.error().value;
    if (socket) socket_ = *std::move(socket);
    return fault_;
  }
  // EAGAIN leaves it connected; anything else does not.
  os::SysResult<std::size_t> Send(std::string_view bytes) {
    const auto sent = os::SendNow(socket_.Get(), bytes);
    if (!sent && sent.error().value != EAGAIN && sent.error().value != EMSGSIZE) {
      socket_.Reset();
      fault_ = sent.error().value;
    }
    return sent;
  }

 private:
  std::string path_;
  os::SocketKind kind_;
  base::UniqueFd socket_;
  std::optional<Clock::time_point> tried_;
  int fault_ = 0;
};

// A stream may take half a line: the rest goes first the next time, or is forgotten with the
// connection.
class SocketSink : public Sink {
 public:
  explicit SocketSink(const std::string& path)
      : name_("unix:" + path), line_(path, os::SocketKind::kStream) {}

  std::string_view Name() const override { return name_; }

  void Write(const Event& event) override {
    if (const int fault = line_.Connect(); fault != 0) return Lose(std::strerror(fault));
    if (!Flush()) return;
    if (!rest_.empty()) return Lose("the reader is slow");
    rest_ = ToJson(event) + "\n";
    (void)Flush();  // it has counted what it lost
  }

 private:
  bool Flush() {
    while (!rest_.empty()) {
      const auto sent = line_.Send(rest_);
      if (sent) {
        rest_.erase(0, *sent);
        continue;
      }
      if (sent.error().value == EAGAIN) return true;
      rest_.clear();
      Lose(std::strerror(sent.error().value));
      return false;
    }
    return true;
  }

  std::string name_;
  Line line_;
  std::string rest_;
};

class DatagramSink : public Sink {
 public:
  using Form = std::string (*)(const Event&, std::string_view hostname);

  DatagramSink(std::string name, const std::string& path, Form form)
      : name_(std::move(name)),
        hostname_(os::Hostname()),
        form_(form),
        line_(path, os::SocketKind::kDatagram) {}

  std::string_view Name() const override { return name_; }

  void Write(const Event& event) override {
    if (const int fault = line_.Connect(); fault != 0) return Lose(std::strerror(fault));
    const auto sent = line_.Send(form_(event, hostname_));
    if (!sent) Lose(std::strerror(sent.error().value));
  }

 private:
  std::string name_, hostname_;
  Form form_;
  Line line_;
};

}  // namespace

std::unique_ptr<Sink> MakeSocketSink(const std::string& path) {
  return std::make_unique<SocketSink>(path);
}

std::unique_ptr<Sink> MakeSyslogSink(const std::string& path) {
  return std::make_unique<DatagramSink>(path == "/dev/log" ? "syslog" : "syslog:" + path, path,
                                        &SyslogMessage);
}

std::unique_ptr<Sink> MakeJournalSink(const std::string& path) {
  return std::make_unique<DatagramSink>(
      "journald", path, [](const Event& event, std::string_view) { return JournalMessage(event); });
}

}  // namespace bailey::audit
