#include "network/relays.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "network/eager_wait.h"
#include "os/file.h"

namespace bailey::network {
namespace {

using std::chrono::milliseconds;

// A connection that is passed on, and the far ends of both its sides.
class RelaysTest : public testing::Test {
 protected:
  void SetUp() override {
    auto poller = os::Poller::Make();
    ASSERT_TRUE(poller);
    poller_.emplace(*std::move(poller));
    client_ = Pair(near_client_);
    upstream_ = Pair(near_upstream_);
  }

  static base::UniqueFd Pair(base::UniqueFd& near) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    near.Reset(ends[1]);
    EXPECT_TRUE(os::SetNonBlocking(ends[1]));
    return base::UniqueFd(ends[0]);
  }

  void Start(const TimeLimits& limits = {}) {
    memory_ = std::make_unique<std::uint8_t[]>(Relays::kLargestRead);
    relays_.emplace(*poller_, std::span(memory_.get(), Relays::kLargestRead), limits,
                    [this](std::uint64_t id, const Relay& relay) {
                      ended_ = id;
                      passed_ = {relay.Up(), relay.Down()};
                      why_ = relay.Why();
                    });
    relays_->Start(kId, std::move(near_client_), std::move(near_upstream_), {});
  }

  // Until nothing more happens.
  void Turn() {
    for (;;) {
      const auto ready = wait_.Wait(*poller_, milliseconds(0));
      ASSERT_TRUE(ready);
      if (ready->empty() && !relays_->HasMore()) return;
      for (const os::Ready& one : *ready) relays_->Ready(one);
      relays_->PumpMore();
    }
  }

  static void Say(const base::UniqueFd& end, std::string_view text) {
    ASSERT_EQ(::write(end.Get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  static void Finish(const base::UniqueFd& end) { ASSERT_EQ(::shutdown(end.Get(), SHUT_WR), 0); }

  // What has come; "." for its end.
  static std::string Heard(const base::UniqueFd& end) {
    std::string text;
    std::array<char, 64> buffer{};
    for (;;) {
      const ssize_t size = ::recv(end.Get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size < 0) return text;
      if (size == 0) return text + ".";
      text.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }

  static constexpr std::uint64_t kId = 7;
  std::optional<os::Poller> poller_;
  EagerWait wait_;
  base::UniqueFd client_, near_client_, upstream_, near_upstream_;
  std::unique_ptr<std::uint8_t[]> memory_;
  std::optional<Relays> relays_;
  std::uint64_t ended_ = 0;
  std::pair<std::uint64_t, std::uint64_t> passed_;
  std::string why_;
};

TEST_F(RelaysTest, EachSideHearsTheOtherAndItsEnd) {
  Say(client_, "question");  // before anybody listens
  Start();
  Turn();
  EXPECT_EQ(Heard(upstream_), "question");
  Say(upstream_, "answer");
  Turn();
  EXPECT_EQ(Heard(client_), "answer");
  Finish(client_);
  Turn();
  EXPECT_EQ(Heard(upstream_), ".");
  EXPECT_EQ(ended_, 0u) << "the other side may still speak";
  Say(upstream_, "more");
  Finish(upstream_);
  Turn();
  EXPECT_EQ(Heard(client_), "more.");
  EXPECT_EQ(ended_, kId);
  EXPECT_EQ(passed_, std::pair(std::uint64_t{8}, std::uint64_t{10}));
  EXPECT_EQ(why_, "");
  EXPECT_EQ(relays_->Size(), 0u);
}

TEST_F(RelaysTest, LastWordsThatComeWithTheEndAreHeard) {
  Start();
  Turn();
  Say(upstream_, "last");
  Finish(upstream_);
  Turn();
  EXPECT_EQ(Heard(client_), "last.");
  Say(client_, "words");
  Finish(client_);
  Turn();
  EXPECT_EQ(Heard(upstream_), "words.");
  EXPECT_EQ(ended_, kId);
}

TEST_F(RelaysTest, AllThatWasSaidBeforeTheStartPasses) {
  const std::string long_text(100'000, 'x');
  Say(upstream_, long_text);
  upstream_.Reset();
  Start();
  std::string heard;
  for (int i = 0; i < 1000 && !heard.ends_with('.'); ++i) {
    Turn();
    heard += Heard(client_);
  }
  EXPECT_EQ(heard, long_text + ".");
}

TEST_F(RelaysTest, NothingPassesForTooLong) {
  Start({.idle = std::chrono::minutes(2)});
  Turn();
  relays_->SetNow(Relays::Clock::now() + std::chrono::minutes(1));
  relays_->Tick();
  EXPECT_EQ(ended_, 0u);
  relays_->SetNow(Relays::Clock::now() + std::chrono::hours(1));
  relays_->Tick();
  EXPECT_EQ(ended_, kId);
  EXPECT_EQ(why_, "nothing has passed for its idle time");
}

TEST(EagerWait, FindsWhatIsReadyAndIsNotKeptByWhatIsNot) {
  auto poller = os::Poller::Make();
  ASSERT_TRUE(poller);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const base::UniqueFd out(ends[0]), in(ends[1]);
  ASSERT_TRUE(poller->Add(out.Get(), 5, os::Poller::Wants::kRead));
  EagerWait wait;
  for (int i = 0; i < 50; ++i) {
    auto ready = wait.Wait(*poller, milliseconds(1));
    ASSERT_TRUE(ready);
    EXPECT_TRUE(ready->empty());
    ASSERT_EQ(::write(in.Get(), "x", 1), 1);
    ready = wait.Wait(*poller, std::nullopt);
    ASSERT_TRUE(ready);
    ASSERT_EQ(ready->size(), 1u);
    EXPECT_EQ((*ready)[0].token, 5u);
    char byte = 0;
    ASSERT_EQ(::read(out.Get(), &byte, 1), 1);
  }
}

}  // namespace
}  // namespace bailey::network
