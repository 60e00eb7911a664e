// The host's side of the line, with guests that lie, flood, stall and go away.
#include "microvm/session.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "os/vmm.h"

namespace bailey::microvm {
namespace {

using guest::FrameType;
using namespace std::chrono_literals;

// The other end, as a guest would hold it.
class Guest {
 public:
  explicit Guest(base::UniqueFd fd)
      : fd_(std::move(fd)),
        deframer_(std::make_unique<guest::Deframer>()),
        room_(guest::kMostFrame) {}

  bool Write(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_.Get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return true;
  }
  template <class... Ts>
  bool Say(const Ts&... what) {
    return Write(guest::Encode(what..., room_));
  }
  bool SayText(FrameType type, std::string_view text) {
    return Say(type, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }
  // The type of the next frame; nothing when the line is cut.
  std::optional<guest::Frame> Hear() {
    for (;;) {
      guest::Frame frame;
      if (deframer_->Next(frame) == guest::Deframer::State::kFrame) return frame;
      const auto space = deframer_->Space();
      const ssize_t count = ::read(fd_.Get(), space.data(), space.size());
      if (count <= 0) return std::nullopt;
      deframer_->Add(static_cast<std::size_t>(count));
    }
  }
  void Greet() {
    const auto frame = Hear();
    ASSERT_TRUE(frame && frame->type == FrameType::kWelcome);
    guest::Welcome welcome;
    ASSERT_TRUE(guest::Decode(frame->body, welcome));
    Say(guest::Hello{guest::kVersion, welcome.token, 2, "6.1.0"});
  }
  void Start() {
    for (;;) {
      const auto frame = Hear();
      if (!frame) return;
      if (frame->type == FrameType::kStart) break;
    }
    SayText(FrameType::kStarted, "");
  }
  void Cut() { fd_.Reset(); }

 private:
  base::UniqueFd fd_;
  std::unique_ptr<guest::Deframer> deframer_;
  std::vector<std::uint8_t> room_;
};

GuestCommand Command() {
  GuestCommand command;
  command.argv = {"/bin/true"};
  command.mounts.push_back({guest::Mount::Kind::kRoot, 0, "root", "/", ""});
  command.workdir = "/";
  return command;
}

// Greets and runs against `guest`, which has a thread of its own; what the session says.
std::string Against(const std::function<void(Guest&)>& guest, Bounds bounds = {.patience = 20s},
                    bool run = true, CallLog* calls = nullptr) {
  auto pair = os::MakeStreamPair();
  auto line = Line::Make(std::move((*pair)[0]));
  auto signals = os::SignalQueue::Make();
  std::thread other([&, fd = (*pair)[1].Release()] {
    Guest one{base::UniqueFd(fd)};
    guest(one);
  });
  std::string said;
  {
    Session session(*std::move(line), *signals, bounds);
    const auto greeting = session.Greet();
    said = greeting ? greeting->kernel : greeting.error().text;
    if (greeting && run) {
      const auto outcome = session.Run(Command(), false, calls);
      said =
          outcome ? "exit " + std::to_string(sandbox::ExitStatus(*outcome)) : outcome.error().text;
    }
  }
  other.join();
  return said;
}

// Standard output leads nowhere meanwhile: a test's log is no place for a guest's words.
class Hostile : public ::testing::Test {
 protected:
  Hostile() : saved_(::dup(1)), input_(::dup(0)) {
    base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::dup2(null.Get(), 1);
    ::dup2(null.Get(), 0);
    ::signal(SIGPIPE, SIG_IGN);
  }
  ~Hostile() override {
    ::dup2(saved_.Get(), 1);
    ::dup2(input_.Get(), 0);
  }
  base::UniqueFd saved_, input_;
};

// A guest that was not asked to listen has nothing to tell; one that was is believed in nothing.
std::string AgainstListening(bool listens, const std::function<void(Guest&)>& tell) {
  const auto filter = *bpf::Validate({{bpf::kReturn, 0, 0, 0x7fc00001}});
  CallLog calls({}, filter);
  return Against(
      [&](Guest& guest) {
        guest.Greet();
        guest.Start();
        tell(guest);
        guest.Say(guest::Ended{0, 0, 0, 0, 0});
      },
      {.patience = 20s}, true, listens ? &calls : nullptr);
}

constexpr char kNonsense[] = "hear the guest: it sent what has no place here";

TEST_F(Hostile, WhatIsDeniedIsToldOfOnlyWhereThatIsAskedFor) {
  const auto denied = [](Guest& guest) { guest.Say(guest::Denied{0, 0, 1, {}}); };
  EXPECT_EQ(AgainstListening(true, denied), "exit 0");
  EXPECT_EQ(AgainstListening(false, denied), kNonsense);
  EXPECT_EQ(AgainstListening(true,
                             [](Guest& guest) {
                               guest.Say(guest::Denied{0, 0, 2, {}});
                               guest.Say(guest::Denied{0, 0, 1, {}});
                             }),
            "hear the guest: a count of denied calls is not what it was");
  EXPECT_EQ(
      AgainstListening(
          true, [](Guest& guest) { guest.SayText(FrameType::kCalled, std::string(3000, 'x')); }),
      kNonsense);
}

TEST_F(Hostile, FilesAreToldOfOnlyWhereThatIsAskedFor) {
  const auto used = [](Guest& guest) { guest.Say(guest::Used{{}, 1, "/bin/cat", {}}); };
  EXPECT_EQ(AgainstListening(false, used), kNonsense);
  EXPECT_EQ(AgainstListening(true, used),
            "hear the guest: it tells of a file that no call of its filter names");
}

TEST_F(Hostile, ChangesOfTheNetworkAreToldOfOnlyWhereThatIsAskedFor) {
  const auto sent = [](Guest& guest) { guest.Say(guest::Sent{{}, 1, "/bin/ip", 0, {24}, 1}); };
  EXPECT_EQ(AgainstListening(false, sent), kNonsense);
  EXPECT_EQ(
      AgainstListening(true, sent),
      "hear the guest: it tells of a change of a network that no call of its filter asks for");
}

// Memory does not grow with what is told: rows have a bound, and so has what waits for a sink.
TEST_F(Hostile, AFloodOfDeniedCallsIsRead) {
  EXPECT_EQ(AgainstListening(true,
                             [](Guest& guest) {
                               for (std::uint32_t i = 0; i < 20'000; ++i)
                                 guest.Say(guest::Called{{i, 0, 0, {}}, i, "/bin/flood", {}});
                             }),
            "exit 0");
}

TEST_F(Hostile, AnHonestGuestIsHeardToItsEnd) {
  EXPECT_EQ(Against([](Guest& guest) {
              guest.Greet();
              guest.Start();
              guest.SayText(FrameType::kOutput, "\x01hello");
              guest.Say(guest::Ended{3 << 8, 0, 1, 2, 3});
            }),
            "exit 3");
}

TEST_F(Hostile, AGreetingWithAnotherTokenIsRefused) {
  EXPECT_EQ(Against([](Guest& guest) {
              guest.Hear();
              guest.Say(guest::Hello{guest::kVersion, {}, 2, "6.1.0"});
            }),
            "greet the guest: it answered with another version or token");
}

TEST_F(Hostile, AGreetingOfAnotherVersionIsRefused) {
  EXPECT_EQ(Against([](Guest& guest) {
              const auto frame = guest.Hear();
              guest::Welcome welcome;
              ASSERT_TRUE(guest::Decode(frame->body, welcome));
              guest.Say(guest::Hello{guest::kVersion + 1, welcome.token, 2, "6.1.0"});
            }),
            "greet the guest: it answered with another version or token");
}

TEST_F(Hostile, OneThatNeverAnswersCostsBoundedTime) {
  EXPECT_EQ(Against(
                [](Guest& guest) {
                  while (guest.Hear()) continue;
                },
                {.patience = 50ms}),
            "hear the guest: no answer within 50 ms");
}

TEST_F(Hostile, OneThatIsGoneIsSaidToBe) {
  EXPECT_EQ(Against([](Guest& guest) { guest.Hear(); }), "hear the guest: the line is cut");
}

TEST_F(Hostile, NothingElseMayComeBeforeTheGreeting) {
  EXPECT_EQ(Against([](Guest& guest) { guest.SayText(FrameType::kStarted, ""); }), kNonsense);
}

TEST_F(Hostile, ALengthThatIsTooLargeEndsTheTalk) {
  EXPECT_EQ(Against([](Guest& guest) {
              guest.Greet();
              guest.Start();
              const std::uint8_t header[] = {0xff, 0xff, 0xff, 0x7f, 66};
              guest.Write(header);
            }),
            "hear the guest: a frame claims to be longer than 64 KiB");
}

TEST_F(Hostile, WhatHasNoPlaceIsNotTaken) {
  struct Row {
    const char* what;
    std::function<void(Guest&)> says;
  };
  const Row rows[] = {
      {"a stream that is none", [](Guest& g) { g.SayText(FrameType::kOutput, "\x03x"); }},
      {"output of no stream", [](Guest& g) { g.SayText(FrameType::kOutput, ""); }},
      {"a frame of the host", [](Guest& g) { g.SayText(FrameType::kInput, "x"); }},
      {"a type that is none", [](Guest& g) { g.SayText(static_cast<FrameType>(200), "x"); }},
      {"more credit than there is",
       [](Guest& g) { g.Say(FrameType::kCredit, guest::Number{~0u}); }},
      {"a cut number", [](Guest& g) { g.SayText(FrameType::kCredit, "\x01"); }},
      {"an end that is none", [](Guest& g) { g.Say(guest::Ended{0x7f, 0, 0, 0, 0}); }},
      {"changes that nobody asked for", [](Guest& g) { g.Say(guest::Collected{1, 1, 1}); }},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Against([&](Guest& guest) {
                guest.Greet();
                guest.Start();
                row.says(guest);
              }),
              kNonsense)
        << row.what;
  }
}

TEST_F(Hostile, AFloodOfOutputEndsAtTheTimeLimit) {
  EXPECT_EQ(Against(
                [](Guest& guest) {
                  guest.Greet();
                  guest.Start();
                  const std::string flood(60'000, '\x01');
                  while (guest.SayText(FrameType::kOutput, flood)) continue;
                },
                {.wall = 200ms, .patience = 20s}),
            "exit 124");
}

TEST_F(Hostile, AFloodOfNothingEndsAtTheTimeLimit) {
  EXPECT_EQ(Against(
                [](Guest& guest) {
                  guest.Greet();
                  guest.Start();
                  while (guest.SayText(FrameType::kPong, "")) continue;
                },
                {.wall = 200ms, .patience = 20s}),
            "exit 124");
}

TEST_F(Hostile, OutputEndsAtItsLimit) {
  EXPECT_EQ(Against(
                [](Guest& guest) {
                  guest.Greet();
                  guest.Start();
                  while (guest.SayText(FrameType::kOutput, "\x01xxxxxxxxxx")) continue;
                },
                {.output = 1000, .patience = 20s}),
            "exit 153");
}

TEST_F(Hostile, AProgramThatCannotBeExecutedIsToldFromAGuestThatCannotStartIt) {
  const auto failing = [](guest::Failed failed) {
    return [failed](Guest& guest) {
      guest.Greet();
      while (const auto frame = guest.Hear())
        if (frame->type == FrameType::kStart) break;
      guest.Say(failed);
    };
  };
  EXPECT_EQ(Against(failing({guest::Step::kExecute, ENOENT, ""})), "exit 127");
  EXPECT_EQ(Against(failing({guest::Step::kExecute, EACCES, ""})), "exit 126");
  EXPECT_EQ(Against(failing({guest::Step::kMount, ENODEV, "/work\n"})),
            "prepare the guest: mount /work\\n: No such device");
}

// Asked to forget or to preload, which are answered alike.
struct Asked {
  std::function<base::Status(Session&)> ask;
  FrameType question, answer;
};

// What a session makes of a guest's answers, where it has asked for something to be done.
void ExpectAnswers(const Asked& asked) {
  struct Row {
    const char* what;
    std::function<void(Guest&)> says;
    const char* want;
    std::chrono::milliseconds patience = 20s;
  };
  const Row rows[] = {
      {"it does", [&](Guest& g) { g.SayText(asked.answer, ""); }, "done"},
      {"what was on its way comes first",
       [&](Guest& g) {
         g.SayText(FrameType::kPong, "");
         g.Say(FrameType::kCredit, guest::Number{1});
         g.SayText(asked.answer, "");
       },
       "done"},
      {"it cannot", [](Guest& g) { g.Say(guest::Failed{guest::Step::kForget, EBUSY, ""}); },
       "prepare the guest: forget the last command: Device or resource busy"},
      {"more output", [](Guest& g) { g.SayText(FrameType::kOutput, "\x01x"); }, kNonsense},
      {"it goes", [](Guest& g) { g.Cut(); }, "hear the guest: the line is cut"},
      {"it never answers",
       [](Guest& g) {
         while (g.SayText(FrameType::kPong, "")) continue;
       },
       "hear the guest: no answer within 200 ms", 200ms},
  };
  for (const Row& row : rows) {
    auto pair = os::MakeStreamPair();
    auto line = Line::Make(std::move((*pair)[0]));
    auto signals = os::SignalQueue::Make();
    std::thread other([&, fd = (*pair)[1].Release()] {
      Guest one{base::UniqueFd(fd)};
      const auto frame = one.Hear();
      if (frame && frame->type == asked.question) row.says(one);
    });
    std::string said;
    {
      Session session(*std::move(line), *signals, {.patience = row.patience});
      const auto done = asked.ask(session);
      said = done ? "done" : done.error().text;
    }
    other.join();
    EXPECT_EQ(said, row.want) << row.what;
  }
}

TEST_F(Hostile, WhatIsAskedIsDoneOrIsNot) {
  const Asked questions[] = {
      {[](Session& s) { return s.Forget(); }, FrameType::kForget, FrameType::kForgotten},
      {[](Session& s) { return s.Preload(8); }, FrameType::kPreload, FrameType::kPreloaded}};
  for (const Asked& asked : questions) ExpectAnswers(asked);
}

}  // namespace
}  // namespace bailey::microvm
