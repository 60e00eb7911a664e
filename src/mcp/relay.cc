#include "mcp/relay.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <vector>

#include "os/events.h"
#include "os/process.h"

namespace bailey::mcp {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kBuffer = 128 << 10;
constexpr int kTurns = 16;
// What waits to be written to one side stops reading from the other.
constexpr std::size_t kFull = 128 << 10;
constexpr std::chrono::seconds kPatience{10};

base::Error Failed(std::string_view what, os::Errno error) {
  return base::SystemError(std::string(what), error.value);
}

class Mover {
 public:
  Mover(Gateway& gateway, os::PipedChild server, const RelayOptions& options,
        os::PatientWriter client, os::PatientWriter into_server, os::SignalQueue signals)
      : gateway_(gateway),
        server_(std::move(server)),
        options_(options),
        client_(std::move(client)),
        into_server_(std::move(into_server)),
        signals_(std::move(signals)),
        buffer_(kBuffer) {}

  base::Result<Ended> Run();
  // What does not go, or cannot, is tried again by WriteClient.
  std::size_t WriteNow(std::string_view bytes) {
    return client_reads_ ? client_.Write(bytes).value_or(0) : 0;
  }

 private:
  enum class Line { kSignals, kToClient, kToServer, kFromServer, kFromClient };

  base::Status Step();
  base::Status Act(Line line);
  base::Status ReadClient();
  base::Status ReadServer();
  base::Status WriteClient();
  base::Status WriteServer();
  void EndInput();
  base::Status TakeSignals();
  void StopServer(int signal);
  void SayNotes();
  base::Result<Ended> Finish();

  Gateway& gateway_;
  os::PipedChild server_;
  const RelayOptions& options_;
  os::PatientWriter client_, into_server_;
  os::SignalQueue signals_;
  std::vector<char> buffer_;
  bool client_reads_ = true, client_writes_ = true;
  bool wanted_ = false;
  bool terminated_ = false;
  bool server_first_ = false;
  std::optional<Clock::time_point> deadline_;
};

// What is ready first is served; who was served waits behind the other, so that neither side of a
// flood keeps the other out.
base::Status Mover::Step() {
  std::vector<os::Interest> interests = {{signals_.Descriptor()}};
  std::vector<Line> lines = {Line::kSignals};
  const auto add = [&](Line line, int descriptor, bool write) {
    interests.push_back({descriptor, write});
    lines.push_back(line);
  };
  const std::size_t to_client = gateway_.ToClient().size(), to_server = gateway_.ToServer().size();
  if (to_client > 0 && client_reads_) add(Line::kToClient, client_.Descriptor(), true);
  if (to_server > 0 && server_.input.IsOpen()) add(Line::kToServer, server_.input.Get(), true);
  const bool has_room = to_client < kFull && to_server < kFull;
  const bool hears_server = to_client < kFull;
  if (hears_server && server_first_) add(Line::kFromServer, server_.output.Get(), false);
  if (has_room && client_writes_) add(Line::kFromClient, options_.from_client, false);
  if (hears_server && !server_first_) add(Line::kFromServer, server_.output.Get(), false);
  const auto question = gateway_.Deadline();
  const bool question_first = question && (!deadline_ || *question < *deadline_);
  const auto ready = os::WaitReady(interests, question_first ? question : deadline_);
  if (!ready) return Failed("wait for client and server", ready.error());
  if (!*ready && question_first) {
    gateway_.Expire(Clock::now());
    return {};
  }
  if (!*ready) {
    StopServer(terminated_ ? SIGKILL : SIGTERM);
    return {};
  }
  return Act(lines[**ready]);
}

base::Status Mover::Act(Line line) {
  switch (line) {
    case Line::kSignals:
      return TakeSignals();
    case Line::kToClient:
      return WriteClient();
    case Line::kToServer:
      return WriteServer();
    case Line::kFromServer:
      server_first_ = false;
      return ReadServer();
    case Line::kFromClient:
      server_first_ = true;
      return ReadClient();
  }
  return {};
}

base::Status Mover::ReadClient() {
  const auto size = os::ReadOnce(options_.from_client, buffer_);
  if (!size) return Failed("read from the client", size.error());
  if (*size == 0) {
    client_writes_ = false;
    wanted_ = true;
    deadline_ = Clock::now() + kPatience;
    EndInput();
    return {};
  }
  gateway_.FromClient({buffer_.data(), *size});
  SayNotes();
  if (!gateway_.ToServer().empty()) return WriteServer();
  return {};
}

// Several times, where there is more and the client takes it: waiting for it costs as much again.
base::Status Mover::ReadServer() {
  for (int turn = 0; turn < kTurns; ++turn) {
    const auto size = os::ReadOnce(server_.output.Get(), buffer_);
    if (!size && size.error().value == EAGAIN) return {};
    if (!size) return Failed("read from the server", size.error());
    if (*size == 0) {
      server_.output.Reset();
      return {};
    }
    gateway_.FromServer({buffer_.data(), *size});
    SayNotes();
    if (!gateway_.ToClient().empty())
      if (const auto written = WriteClient(); !written) return written;
    if (!gateway_.ToServer().empty()) return WriteServer();
    EndInput();
    if (!gateway_.ToClient().empty() || *size < buffer_.size()) return {};
  }
  return {};
}

base::Status Mover::WriteClient() {
  std::string& text = gateway_.ToClient();
  if (!client_reads_) {
    text.clear();
    return {};
  }
  const auto size = client_.Write(text);
  if (!size && size.error().value == EAGAIN) return {};
  if (!size && size.error().value == EPIPE) {
    // Nobody hears the server any more.
    client_reads_ = false;
    wanted_ = true;
    text.clear();
    StopServer(SIGTERM);
    return {};
  }
  if (!size) return Failed("write to the client", size.error());
  text.erase(0, *size);
  return {};
}

base::Status Mover::WriteServer() {
  std::string& text = gateway_.ToServer();
  if (!server_.input.IsOpen()) {
    text.clear();
    return {};
  }
  const auto size = into_server_.Write(text);
  if (!size && size.error().value == EAGAIN) return {};
  if (!size && size.error().value != EPIPE) return Failed("write to the server", size.error());
  // A server that does not listen any more may still have something to say.
  text.erase(0, size ? *size : text.size());
  if (!size) server_.input.Reset();
  EndInput();
  return {};
}

// The server hears that its client is gone when it has heard all that the client has said.
void Mover::EndInput() {
  if (!client_writes_ && gateway_.ToServer().empty() && !gateway_.HoldsForServer())
    server_.input.Reset();
}

base::Status Mover::TakeSignals() {
  while (const auto signal = signals_.Next()) {
    if (*signal == SIGWINCH || *signal == SIGCONT) continue;
    wanted_ = true;
    StopServer(*signal);
  }
  return {};
}

void Mover::StopServer(int signal) {
  // One that has ended meanwhile needs none.
  (void)os::SendSignal(server_.pidfd.Get(), signal);
  terminated_ = true;
  deadline_ = Clock::now() + kPatience;
}

void Mover::SayNotes() {
  for (const std::string& note : gateway_.TakeNotes()) options_.note(note);
}

base::Result<Ended> Mover::Run() {
  while (server_.output.IsOpen())
    if (const auto done = Step(); !done) return done.error();
  return Finish();
}

base::Result<Ended> Mover::Finish() {
  server_.input.Reset();
  // A server that has only closed its output is of no use any more either.
  const std::array<os::Interest, 1> end = {{{server_.pidfd.Get()}}};
  const auto ended = os::WaitReady(end, Clock::now() + kPatience);
  if (!ended || !*ended) (void)os::SendSignal(server_.pidfd.Get(), SIGKILL);
  const auto waited = os::WaitFor(server_.pid);
  if (!waited) return Failed("wait for the server", waited.error());
  gateway_.ServerEnded(HowItEnded(waited->wait_status));
  SayNotes();
  const auto patience = Clock::now() + kPatience;
  while (client_reads_ && !gateway_.ToClient().empty()) {
    const std::array<os::Interest, 1> room = {{{client_.Descriptor(), true}}};
    const auto ready = os::WaitReady(room, patience);
    if (!ready || !*ready) break;
    if (const auto written = WriteClient(); !written) return written.error();
  }
  return Ended{waited->wait_status, wanted_};
}

}  // namespace

std::string HowItEnded(int wait_status) {
  if (WIFSIGNALED(wait_status)) return fmt::format("signal {}", WTERMSIG(wait_status));
  return fmt::format("exit status {}", WEXITSTATUS(wait_status));
}

base::Result<Ended> Relay(Gateway& gateway, os::PipedChild server, const RelayOptions& options) {
  if (const auto ignored = os::IgnoreBrokenPipes(); !ignored)
    return Failed("ignore broken pipes", ignored.error());
  auto signals = os::SignalQueue::Make();
  if (!signals) return Failed("wait for signals", signals.error());
  auto client = os::PatientWriter::Of(options.to_client);
  if (!client) return Failed("write to the client", client.error());
  auto into_server = os::PatientWriter::OfOwn(server.input.Get());
  Mover mover(gateway, std::move(server), options, *std::move(client), std::move(into_server),
              *std::move(signals));
  gateway.SetClient([&mover](std::string_view bytes) { return mover.WriteNow(bytes); });
  auto ended = mover.Run();
  gateway.SetClient({});
  return ended;
}

}  // namespace bailey::mcp
