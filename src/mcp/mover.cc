#include "mcp/mover.h"

#include <fmt/format.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <vector>

#include "os/events.h"
#include "os/piped_child.h"

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
  Mover(Gateway& gateway, MoverEnds ends, MoverCalls calls)
      : gateway_(gateway), ends_(std::move(ends)), calls_(std::move(calls)), buffer_(kBuffer) {}

  base::Result<bool> Run();
  // What does not go, or cannot, is tried again by WriteClient.
  std::size_t WriteNow(std::string_view bytes) {
    return client_reads_ ? ends_.to_client.Write(bytes).value_or(0) : 0;
  }

 private:
  enum class Line { kToClient, kToServer, kFromServer, kFromClient };

  base::Status Step();
  base::Status Act(Line line);
  base::Status ReadClient();
  base::Status ReadServer();
  base::Status WriteClient();
  base::Status WriteServer();
  void EndInput();
  void StopServer(int signal);
  void SayNotes();
  base::Result<bool> Finish();

  Gateway& gateway_;
  MoverEnds ends_;
  MoverCalls calls_;
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
  std::array<os::Interest, 4> interests;
  std::array<Line, 4> lines = {};
  std::size_t count = 0;
  const auto add = [&](Line line, int descriptor, bool write) {
    interests[count] = {descriptor, write};
    lines[count++] = line;
  };
  const std::size_t to_client = gateway_.ToClient().size(), to_server = gateway_.ToServer().size();
  if (to_client > 0 && client_reads_) add(Line::kToClient, ends_.to_client.Descriptor(), true);
  if (to_server > 0 && ends_.to_server.IsOpen()) add(Line::kToServer, ends_.to_server.Get(), true);
  const bool has_room = to_client < kFull && to_server < kFull;
  const bool hears_server = to_client < kFull;
  if (hears_server && server_first_) add(Line::kFromServer, ends_.from_server.Get(), false);
  if (has_room && client_writes_) add(Line::kFromClient, ends_.from_client, false);
  if (hears_server && !server_first_) add(Line::kFromServer, ends_.from_server.Get(), false);
  const auto question = gateway_.Deadline();
  const bool question_first = question && (!deadline_ || *question < *deadline_);
  const auto ready =
      os::WaitReady(std::span(interests).first(count), question_first ? question : deadline_);
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
  const auto size = os::ReadOnce(ends_.from_client, buffer_);
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
    const auto size = os::ReadOnce(ends_.from_server.Get(), buffer_);
    if (!size && size.error().value == EAGAIN) return {};
    if (!size) return Failed("read from the server", size.error());
    if (*size == 0) {
      ends_.from_server.Reset();
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
  const auto size = ends_.to_client.Write(text);
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
  if (!ends_.to_server.IsOpen()) {
    text.clear();
    return {};
  }
  const auto size = os::PatientWriter::OfOwn(ends_.to_server.Get()).Write(text);
  if (!size && size.error().value == EAGAIN) return {};
  if (!size && size.error().value != EPIPE) return Failed("write to the server", size.error());
  // A server that does not listen any more may still have something to say.
  text.erase(0, size ? *size : text.size());
  if (!size) ends_.to_server.Reset();
  EndInput();
  return {};
}

// The server hears that its client is gone when it has heard all that the client has said.
void Mover::EndInput() {
  if (!client_writes_ && gateway_.ToServer().empty() && !gateway_.HoldsForServer())
    ends_.to_server.Reset();
}

void Mover::StopServer(int signal) {
  calls_.stop(signal);
  terminated_ = true;
  deadline_ = Clock::now() + kPatience;
}

void Mover::SayNotes() {
  for (const std::string& note : gateway_.TakeNotes()) calls_.note(note);
}

base::Result<bool> Mover::Run() {
  while (ends_.from_server.IsOpen())
    if (const auto done = Step(); !done) return done.error();
  return Finish();
}

base::Result<bool> Mover::Finish() {
  ends_.to_server.Reset();
  gateway_.ServerEnded(calls_.how_it_ended());
  SayNotes();
  const auto patience = Clock::now() + kPatience;
  while (client_reads_ && !gateway_.ToClient().empty()) {
    const std::array<os::Interest, 1> room = {{{ends_.to_client.Descriptor(), true}}};
    const auto ready = os::WaitReady(room, patience);
    if (!ready || !*ready) break;
    if (const auto written = WriteClient(); !written) return written.error();
  }
  return wanted_;
}

}  // namespace

base::Result<bool> Move(Gateway& gateway, MoverEnds ends, MoverCalls calls) {
  Mover mover(gateway, std::move(ends), std::move(calls));
  gateway.SetClient([&mover](std::string_view bytes) { return mover.WriteNow(bytes); });
  auto ended = mover.Run();
  gateway.SetClient({});
  return ended;
}

}  // namespace bailey::mcp
