#include "audit/socket_sinks.h"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>

#include "os/file.h"
#include "os/host.h"
#include "os/local_socket.h"
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
    if (!sent && sent.error().value != EMSGSIZE) Drop(sent.error().value);
    return sent;
  }
  // The bytes as a file that nobody can change, with an empty message.
  os::SysStatus SendAsFile(std::string_view bytes) {
    const auto file = os::SealedMemfd(
        "bailey-event", {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    if (!file) return std::unexpected(file.error());
    const int descriptor = file->Get();
    auto sent = os::SendDescriptors(socket_.Get(), "", {&descriptor, 1});
    if (!sent) Drop(sent.error().value);
    return sent;
  }

 private:
  void Drop(int fault) {
    if (fault == EAGAIN) return;
    socket_.Reset();
    fault_ = fault;
  }

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

class SyslogSink : public Sink {
 public:
  SyslogSink(std::string name, const std::string& path)
      : name_(std::move(name)), hostname_(os::Hostname()), line_(path, os::SocketKind::kDatagram) {}

  std::string_view Name() const override { return name_; }

  void Write(const Event& event) override {
    if (const int fault = line_.Connect(); fault != 0) return Lose(std::strerror(fault));
    const auto sent = line_.Send(SyslogMessage(event, hostname_));
    if (!sent) Lose(std::strerror(sent.error().value));
  }

 private:
  std::string name_, hostname_;
  Line line_;
};

// What is longer than a datagram may be goes as a file: the journal reads either.
class JournalSink : public Sink {
 public:
  explicit JournalSink(const std::string& path) : line_(path, os::SocketKind::kDatagram) {}

  std::string_view Name() const override { return "journald"; }

  void Write(const Event& event) override {
    if (const int fault = line_.Connect(); fault != 0) return Lose(std::strerror(fault));
    const std::string message = JournalMessage(event);
    const auto sent = line_.Send(message);
    if (sent) return;
    if (sent.error().value != EMSGSIZE) return Lose(std::strerror(sent.error().value));
    const auto given = line_.SendAsFile(message);
    if (!given) Lose(std::strerror(given.error().value));
  }

 private:
  Line line_;
};

}  // namespace

std::unique_ptr<Sink> MakeSocketSink(const std::string& path) {
  return std::make_unique<SocketSink>(path);
}

std::unique_ptr<Sink> MakeSyslogSink(const std::string& path) {
  return std::make_unique<SyslogSink>(path == "/dev/log" ? "syslog" : "syslog:" + path, path);
}

std::unique_ptr<Sink> MakeJournalSink(const std::string& path) {
  return std::make_unique<JournalSink>(path);
}

}  // namespace bailey::audit
