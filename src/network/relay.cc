#include "network/relay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "network/budgets.h"
#include "network/client_hello.h"
#include "network/proxy.h"
#include "os/inet.h"

namespace bailey::network {
namespace {

// How often one connection reads or writes before others have their turn.
constexpr int kFairShare = 16;
// What the program may have sent that cannot be judged yet.
constexpr std::size_t kMostHeld = 2 * kMostHeadBytes;

}  // namespace

Relay::Relay(base::UniqueFd client, base::UniqueFd upstream, Options options)
    : host_(std::move(options.host)), left_(std::move(options.left)), tunnel_(options.tunnel) {
  over_ = !Charge(options.to_upstream.size() + options.read.size());
  ends_[0].fd = std::move(client);
  ends_[1].fd = std::move(upstream);
  ends_[0].writable = ends_[1].writable = true;
  // The program has often spoken before anybody listened; the other side is heard when it speaks.
  ends_[0].readable = true;
  down_.waiting = std::move(options.to_client);
  up_.waiting = std::move(options.to_upstream);
  if (host_) looks_ = Looks::kFirst;
  if (options.only_body) {
    one_request_ = true;
    looks_ = Looks::kHttp;
    requests_ = HttpRequests::ForBody(*options.only_body);
    up_.ended = requests_->IsBetweenRequests();
  }
  if (looks_ == Looks::kNot && !tunnel_) {
    up_.waiting.insert(up_.waiting.end(), options.read.begin(), options.read.end());
  } else {
    held_ = std::move(options.read);
  }
}

void Relay::Wake(Side side, const os::Ready& ready) {
  End& end = ends_[static_cast<std::size_t>(side)];
  end.readable |= ready.read;
  end.writable |= ready.write;
  end.ended |= ready.ended;
}

void Relay::Break(std::string why) {
  if (why_.empty()) why_ = std::move(why);
  for (End& end : ends_) (void)os::SetResetOnClose(end.fd.Get());  // it is closed in any case
  up_.finished = down_.finished = true;
}

Relay::State Relay::Pump(std::span<std::uint8_t> scratch) {
  if (over_) {
    Break(std::string(kNoMore));
    return State::kEnded;
  }
  // What came with the request to a proxy was read before.
  if (!held_.empty() && !tunnel_ && up_.waiting.empty() && !TakeUp({})) return State::kEnded;
  for (int turn = 0; turn < kFairShare; ++turn) {
    bool moved = Step(up_, ends_[0], ends_[1], scratch);
    moved |= Step(down_, ends_[1], ends_[0], scratch);
    if (up_.finished && down_.finished) return State::kEnded;
    if (!moved) return State::kWaits;
  }
  return State::kHasMore;
}

bool Relay::Flush(Line& line, End& to) {
  while (line.written < line.waiting.size()) {
    if (!to.writable) return false;
    const auto size =
        os::Write(to.fd.Get(), std::span<const std::uint8_t>(line.waiting).subspan(line.written));
    if (!size && size.error().value == EAGAIN) {
      to.writable = false;
      return false;
    }
    if (!size) {
      Break("");
      return false;
    }
    line.written += *size;
  }
  line.waiting.clear();
  // A burst that had to wait is not paid for to the end of the connection.
  if (line.waiting.capacity() > 65536) line.waiting.shrink_to_fit();
  line.written = 0;
  return true;
}

// What does not fit now waits in the line; nothing more is read for it until it is gone.
bool Relay::Deliver(Line& line, End& to, std::span<const std::uint8_t> bytes) {
  line.passed += bytes.size();
  while (!bytes.empty() && to.writable) {
    const auto size =
        EndFollows(line) ? os::WriteBeforeMore(to.fd.Get(), bytes) : os::Write(to.fd.Get(), bytes);
    if (!size && size.error().value == EAGAIN) {
      to.writable = false;
    } else if (!size) {
      Break("");
      return false;
    } else {
      bytes = bytes.subspan(*size);
    }
  }
  line.waiting.insert(line.waiting.end(), bytes.begin(), bytes.end());
  return true;
}

bool Relay::EndFollows(const Line& line) const {
  if (&line == &down_) return ends_[1].ended && answer_.empty();
  return ends_[0].ended && held_.empty() && looks_ == Looks::kNot && !one_request_;
}

bool Relay::Step(Line& line, End& from, End& to, std::span<std::uint8_t> scratch) {
  if (line.finished || !Flush(line, to)) return false;
  if (line.ended) {
    // Servers take the end of a client for a request that is given up; where one request is passed
    // on, the answer's end is the end. ENOTCONN: the other side has reset, which reading it says.
    // The second of two ends comes with the closing of both sockets.
    const bool is_last = (&line == &up_ ? down_ : up_).finished;
    if (!is_last && (!one_request_ || &line != &up_)) (void)os::FinishSending(to.fd.Get());
    line.finished = true;
    return false;
  }
  const bool is_up = &line == &up_;
  if (!from.readable || (is_up && (tunnel_ || waits_for_answer_))) return false;
  const auto size = os::Read(from.fd.Get(), scratch);
  if (!size && size.error().value == EAGAIN) {
    from.readable = false;
    return false;
  }
  if (!size) {
    Break("");
    return false;
  }
  if (*size == 0) {
    line.ended = true;
    // Too little to be TLS or HTTP, and there will be no more.
    if (is_up && looks_ == Looks::kFirst) return Deliver(line, to, std::exchange(held_, {}));
    return true;
  }
  // There was no more, and what comes is reported anew; an end that is known of is not.
  if (*size < scratch.size() && !from.ended) from.readable = false;
  const auto bytes = std::span<const std::uint8_t>(scratch).first(*size);
  return is_up ? TakeUp(bytes) : TakeDown(bytes);
}

bool Relay::Charge(std::size_t size) {
  if (!left_) return true;
  if (size > *left_) return false;
  *left_ -= size;
  return true;
}

bool Relay::TakeUp(std::span<const std::uint8_t> bytes) {
  if (!Charge(bytes.size())) {
    Break(std::string(kNoMore));
    return false;
  }
  if (looks_ == Looks::kNot && held_.empty()) return Deliver(up_, ends_[1], bytes);
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  const std::size_t pass = looks_ == Looks::kNot ? held_.size() : Look();
  if (why_.empty() && held_.size() - pass > kMostHeld) why_ = "its head is too long";
  if (!why_.empty()) {
    Break(why_);
    return false;
  }
  if (!Deliver(up_, ends_[1], std::span<const std::uint8_t>(held_).first(pass))) return false;
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(pass));
  return true;
}

bool Relay::TakeDown(std::span<const std::uint8_t> bytes) {
  if (!tunnel_ && looks_ == Looks::kFirst && up_.passed == 0) {
    // Neither in TLS nor in HTTP does the server speak first.
    looks_ = Looks::kNot;
    if (!Deliver(up_, ends_[1], std::exchange(held_, {}))) return false;
  }
  if (!tunnel_ && !waits_for_answer_) return Deliver(down_, ends_[0], bytes);
  answer_.insert(answer_.end(), bytes.begin(), bytes.end());
  if (waits_for_answer_) {
    constexpr std::string_view kSwitching = "HTTP/1.1 101";
    if (answer_.size() < kSwitching.size()) return true;
    waits_for_answer_ = false;
    requests_->Answered(std::ranges::equal(std::span(answer_).first(kSwitching.size()), kSwitching,
                                           {}, {},
                                           [](char c) { return static_cast<std::uint8_t>(c); }));
    return Deliver(down_, ends_[0], std::exchange(answer_, {})) && TakeUp({});
  }
  const TunnelAnswer answer = ReadTunnelAnswer(answer_);
  if (answer.kind == TunnelAnswer::Kind::kIncomplete) return true;
  if (answer.kind != TunnelAnswer::Kind::kOpen) {
    Break(answer.kind == TunnelAnswer::Kind::kUnknown ? "the proxy on the way out wants a login"
                                                      : "the proxy on the way out refuses it");
    return false;
  }
  tunnel_ = false;
  const std::vector<std::uint8_t> rest(answer_.begin() + static_cast<std::ptrdiff_t>(answer.size),
                                       answer_.end());
  answer_.clear();
  return Deliver(down_, ends_[0], rest) && TakeUp({});
}

std::size_t Relay::Look() {
  switch (looks_) {
    case Looks::kNot:
      return held_.size();
    case Looks::kFirst:
      return LookAtFirst();
    case Looks::kTls:
      return LookAtTls();
    case Looks::kHttp:
      return LookAtHttp();
  }
  return 0;
}

std::size_t Relay::LookAtFirst() {
  switch (Classify(held_)) {
    case FirstBytes::kUnknownYet:
      return 0;
    case FirstBytes::kOther:
      looks_ = Looks::kNot;
      return held_.size();
    case FirstBytes::kTls:
      looks_ = Looks::kTls;
      return LookAtTls();
    case FirstBytes::kHttp:
      looks_ = Looks::kHttp;
      requests_.emplace(*host_);
      return LookAtHttp();
  }
  return 0;
}

std::size_t Relay::LookAtTls() {
  const ClientHello hello = ReadClientHello(held_);
  switch (hello.kind) {
    case ClientHello::Kind::kIncomplete:
      return 0;
    case ClientHello::Kind::kNamed:
      if (hello.host != host_) {
        why_ = fmt::format("its TLS is for {}, and the connection for {}", hello.host->Text(),
                           host_->Text());
        return 0;
      }
      break;
    case ClientHello::Kind::kMalformed:
    case ClientHello::Kind::kNotTls:
      why_ = "its TLS is malformed";
      return 0;
    case ClientHello::Kind::kNameless:
      break;
  }
  looks_ = Looks::kNot;
  return held_.size();
}

std::size_t Relay::LookAtHttp() {
  const HttpRequests::Step step = requests_->Look(held_);
  why_ = step.refused;
  if (step.opaque) looks_ = Looks::kNot;
  waits_for_answer_ = step.waits;
  if (one_request_ && requests_->IsBetweenRequests()) {
    // What else the program says here goes nowhere.
    held_.resize(step.pass);
    up_.ended = true;
  }
  return step.pass;
}

}  // namespace bailey::network
