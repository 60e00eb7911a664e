// One program in one guest: from the first word on the line to what the program has changed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "guest/protocol.h"
#include "microvm/call_log.h"
#include "microvm/line.h"
#include "network/running.h"
#include "os/events.h"
#include "os/landlock.h"
#include "sandbox/launch.h"

namespace bailey::microvm {

struct GuestMount {
  guest::Mount::Kind kind = guest::Mount::Kind::kRoot;
  std::uint64_t size = 0;
  std::string drive, path, name;
  bool operator==(const GuestMount&) const = default;
};

struct GuestGrant {
  std::string path;
  std::uint64_t rights = 0;
  bool operator==(const GuestGrant&) const = default;
};

// What the guest is told about the program.
struct GuestCommand {
  std::vector<std::string> argv, environment;
  std::vector<std::vector<std::uint8_t>> filters;
  std::vector<GuestGrant> grants;
  std::vector<guest::Limit> limits;
  std::vector<GuestMount> mounts;  // the root first
  std::uint32_t uid = 0, gid = 0;
  std::uint64_t landlock = 0;  // the rights that are handled; 0: not applied
  std::uint64_t memory = 0;    // bytes; 0: no limit
  std::uint32_t processes = 0;
  std::string workdir, hostname;
  std::optional<guest::Network> network;
  bool rehearses = false;  // in place of a program that somebody waits for
  bool operator==(const GuestCommand&) const = default;
};

struct GuestGreeting {
  std::string kernel;
  int landlock = 0;  // the version that the guest's kernel has
};

// Sends the token, the seed and the time, for who has something else to do until the guest answers.
base::Result<guest::Token> SayWelcome(int line);

struct Bounds {
  std::optional<std::chrono::milliseconds> wall;
  std::optional<std::uint64_t> output;
  // How long a guest may be silent where it is to answer.
  std::chrono::milliseconds patience{120'000};
  bool operator==(const Bounds&) const = default;
};

class Session {
 public:
  Session(Line line, os::SignalQueue& signals, Bounds bounds)
      : line_(std::move(line)), signals_(signals), bounds_(bounds) {}

  // Sends the token, the seed and the time, unless that was `said`, and waits for the answer. Until
  // then nothing is said to run in a machine.
  base::Result<GuestGreeting> Greet(std::optional<guest::Token> said = {});
  // Passes on the caller's standard streams and signals until the program has ended. `terminal`:
  // the program has one of its own in place of them.
  // `gateway`: of the machine's network, which is listened to meanwhile.
  // What its newest filter denies is answered by the guest, and told to `calls`; none: that filter
  // hands no call to anybody.
  base::Result<sandbox::Outcome> Run(const GuestCommand& command, bool terminal,
                                     CallLog* calls = nullptr, network::Running* gateway = nullptr);
  // What it has changed is on the drive for it.
  base::Result<guest::Collected> Collect(std::optional<std::chrono::milliseconds> patience = {});
  // What the machine ran, which has ended, is nothing to what it runs next, and that is prepared
  // for; where it is already, there is nothing to be done.
  base::Status Forget(const guest::Forget& wanted = {});
  // It has read programs and libraries of its image into its memory, so much of them at most.
  base::Status Preload(std::uint32_t mebibytes);
  // For another session, where this one is told nothing more.
  Line TakeLine() && { return std::move(line_); }
  // Waits a little for the machine to switch itself off.
  void PowerOff();
  // The line was cut: why is for who holds the machine to say.
  bool IsCut() const { return cut_; }

 private:
  using Clock = std::chrono::steady_clock;

  base::Result<guest::Frame> Await(Clock::time_point deadline);
  base::Status Ask(std::span<const std::uint8_t> question, guest::FrameType answer);
  base::Status Tell(const GuestCommand& command, bool terminal);
  base::Result<sandbox::Outcome> Failed(const guest::Frame& frame, const GuestCommand& command);
  base::Status Step();
  base::Status Handle(const guest::Frame& frame);
  base::Status HandleCall(const guest::Frame& frame);
  base::Status TakeOutput(std::span<const std::uint8_t> body);
  base::Status PassOutput();
  base::Status PassInput();
  base::Status PassSignals();
  base::Status Watch();
  std::optional<Clock::time_point> NextDeadline() const;
  base::Error Cut();

  Line line_;
  os::SignalQueue& signals_;
  Bounds bounds_;
  bool cut_ = false, over_ = false, pinged_ = false, terminal_ = false;
  Clock::time_point start_, heard_;
  // What the program has written, until it is passed on; nothing more is read meanwhile.
  std::vector<std::uint8_t> output_;
  std::size_t passed_ = 0;
  int output_to_ = 1;
  std::array<bool, 3> closed_ = {};
  std::uint64_t output_total_ = 0;
  std::uint32_t credit_ = guest::kFirstCredit;
  bool input_ended_ = false;
  sandbox::Outcome outcome_;
  CallLog* calls_ = nullptr;
  network::Running* gateway_ = nullptr;
};

}  // namespace bailey::microvm
