#include "mcp/translator.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mcp/envelope.h"
#include "mcp/replies.h"
#include "mcp/versions.h"

namespace bailey::mcp {
namespace {

Head HeadOf(std::string_view line) {
  Scanner scanner;
  (void)scanner.Take(line);
  return scanner.GetHead();
}

bool Discovers(std::string_view answer) {
  const auto versions = FindPath(answer, {"result", "supportedVersions"});
  if (!versions) return false;
  return std::ranges::any_of(Elements(answer, *versions), [&](const Range one) {
    return StringIn(answer, one) == kStatelessVersion;
  });
}

}  // namespace

// From the client.

void Translator::FromClient(std::string_view line) {
  if (IsPassing()) {
    wires_.to_server += line;
    return;
  }
  Take(line);
  SetAside();
}

// What is for the client does not go into the middle of what is passed on.
void Translator::SetAside() {
  if (flow_ == Flow::kPassing) later_ += std::exchange(wires_.to_client, {});
}

void Translator::Take(std::string_view line) {
  const Head head = HeadOf(line);
  switch (state_) {
    case State::kUndecided:
      return Begin(head, line);
    case State::kProbing:
    case State::kOpening:
    case State::kShaking:
    case State::kProbingRefuser:
      return HoldOrPass(head, line);
    case State::kPassing:
      wires_.to_server += line;
      return;
    case State::kTranslating:
      return translation_->FromClient(head, line);
    case State::kRefusing:
      return Refuse(head);
  }
}

void Translator::Begin(const Head& head, std::string_view line) {
  // What may come before anything is decided, and decides nothing.
  if (!head.method || !head.id || head.method == "ping") {
    wires_.to_server += line;
    return;
  }
  if (head.method == "initialize") {
    state_ = State::kShaking;
    first_ = line;
    open_ = head.id;
    wires_.to_server += line;
    return;
  }
  const auto meta = RawAt(line, {"params", "_meta"});
  if (head.method != "server/discover" && !VersionOf(line)) {
    state_ = State::kPassing;  // it says neither: there is nothing to translate from
    wires_.to_server += line;
    return;
  }
  state_ = State::kProbing;
  first_ = line;
  deadline_ = Clock::now() + limits_.probe;
  probe_is_clients_ = head.method == "server/discover";
  if (probe_is_clients_) {
    probe_ = head.id;
    wires_.to_server += line;
    return;
  }
  probe_ = Id{true, limits_.own + "probe"};
  wires_.to_server += Request(*probe_, "server/discover",
                              fmt::format("{{\"_meta\":{}}}", meta.empty() ? "{}" : meta));
  HoldOrPass(head, line);
}

// Answers and notices do not wait for a decision: the server may wait for them.
void Translator::HoldOrPass(const Head& head, std::string_view line) {
  if (!head.method || !head.id) {
    wires_.to_server += line;
    return;
  }
  if (held_bytes_ + line.size() > limits_.held) {
    wires_.to_client += ErrorReply(head.id, kInternalError,
                                   "pass on the request: too many wait until the server has begun");
    return;
  }
  held_bytes_ += line.size();
  held_.emplace_back(line);
}

void Translator::Refuse(const Head& head) {
  if (!head.method || !head.id) return;
  wires_.to_client += ErrorReply(head.id, kUnsupportedVersion, refusal_);
}

void Translator::Release() {
  deadline_.reset();
  const auto held = std::exchange(held_, {});
  held_bytes_ = 0;
  for (const std::string& line : held) Take(line);
}

// From the server.

void Translator::FromServer(std::string_view bytes) {
  while (!bytes.empty()) {
    if (IsPassing()) {
      wires_.to_client += bytes;
      return;
    }
    const std::size_t taken = scanner_.Take(bytes);
    TakeChunk(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (!scanner_.IsAtEnd()) continue;
    if (flow_ != Flow::kPassing && !scanner_.IsBlank()) Whole();
    if (flow_ == Flow::kPassing && translation_) translation_->Ended(scanner_.GetHead());
    wires_.to_client += std::exchange(later_, {});
    scanner_.Reset();
    line_.clear();
    flow_ = Flow::kDeciding;
  }
}

void Translator::TakeChunk(std::string_view chunk) {
  if (flow_ == Flow::kPassing) {
    wires_.to_client += chunk;
    return;
  }
  if (flow_ == Flow::kDropping) return;
  line_ += chunk;
  if (flow_ == Flow::kDeciding && line_.size() > limits_.window && !scanner_.IsAtEnd()) Decide();
  if (flow_ == Flow::kHolding && line_.size() > limits_.held) {
    flow_ = Flow::kDropping;
    std::string().swap(line_);
  }
}

void Translator::Decide() {
  flow_ = Flow::kHolding;
  // Whoever reads on sees the fault as well.
  if (!scanner_.Fault().empty()) {
    flow_ = Flow::kPassing;
    wires_.to_client += std::exchange(line_, {});
    return;
  }
  if (state_ != State::kTranslating || scanner_.GetHead().method) return;
  auto begun = translation_->Begin(scanner_.GetHead(), line_);
  if (!begun) return;
  flow_ = Flow::kPassing;
  wires_.to_client += *begun;
  line_.clear();
}

bool Translator::IsAnswerTo(const std::optional<Id>& id) const {
  const Head& head = scanner_.GetHead();
  return !head.method && head.id && head.id == id && flow_ != Flow::kDropping &&
         scanner_.Fault().empty();
}

void Translator::Whole() {
  if (IsAnswerTo(probe_) && state_ == State::kProbing) return Probed(false);
  if (IsAnswerTo(probe_) && state_ == State::kOpening) return Probed(true);
  if (IsAnswerTo(open_) && state_ == State::kOpening) return Opened();
  if (IsAnswerTo(open_) && state_ == State::kShaking) return ShakenHands();
  if (IsAnswerTo(probe_) && state_ == State::kProbingRefuser) return RefuserProbed();
  // An answer that comes after its question was given up.
  if (scanner_.GetHead().id && !scanner_.GetHead().method && !probe_is_clients_ &&
      scanner_.GetHead().id == probe_)
    return;
  if (state_ != State::kTranslating && flow_ == Flow::kDropping) return LostAnswer();
  if (state_ != State::kTranslating || !scanner_.Fault().empty()) {
    wires_.to_client += line_;
    return;
  }
  if (flow_ == Flow::kDropping) return translation_->TooLong(scanner_.GetHead());
  translation_->FromServer(scanner_.GetHead(), line_);
}

// Nobody waits for ever for what was too long to be held.
void Translator::LostAnswer() {
  const Head& head = scanner_.GetHead();
  if (head.method || !head.id) return;
  const std::string why = fmt::format("the answer is longer than {} bytes", limits_.held);
  wires_.to_client += ErrorReply(head.id, kInternalError, "pass on the answer: " + why);
  if (head.id != open_) return;
  state_ = State::kRefusing;
  refusal_ = "begin with the server: " + why;
  Release();
}

void Translator::Probed(bool is_late) {
  const bool speaks_it = Discovers(line_) ||
                         // Another version without sessions: who speaks it, says what it is.
                         RawAt(line_, {"error", "code"}) == fmt::format("{}", kUnsupportedVersion);
  if (!speaks_it) {
    if (!is_late) OpenSession();
    return;
  }
  state_ = State::kPassing;
  if (probe_is_clients_ && !is_late) wires_.to_client += line_;
  // A late one's request was put in front of what is held.
  Release();
}

// The server does not know the stateless version, and gets a session.
void Translator::OpenSession() {
  state_ = State::kOpening;
  open_ = Id{true, limits_.own + "open"};
  deadline_.reset();
  if (probe_is_clients_) held_.push_front(first_);
  const std::string info = RawAt(first_, {"params", "_meta", kClientInfoKey});
  const auto capabilities = RawAt(first_, {"params", "_meta", kClientCapabilitiesKey});
  wires_.to_server +=
      Request(*open_, "initialize",
              fmt::format(R"({{"protocolVersion":"{}","capabilities":{},"clientInfo":{}}})",
                          kNewestSessionVersion, capabilities.empty() ? "{}" : capabilities,
                          info.empty() ? R"({"name":"unknown","version":"unknown"})" : info));
}

void Translator::Opened() {
  if (!scanner_.GetHead().has_result) {
    state_ = State::kRefusing;
    refusal_ = fmt::format(
        "translate the request: the server speaks neither {} nor a version with sessions: {}",
        kStatelessVersion, TextAt(line_, {"error", "message"}).value_or("it refuses both"));
    return Release();
  }
  wires_.to_server += Notification("notifications/initialized", "{}");
  translation_ = ForStatelessClient(wires_, limits_, line_);
  state_ = State::kTranslating;
  Release();
}

void Translator::ShakenHands() {
  if (scanner_.GetHead().has_result) {
    wires_.to_client += line_;
    state_ = State::kPassing;
    return Release();
  }
  refusal_ = line_;
  state_ = State::kProbingRefuser;
  deadline_ = Clock::now() + limits_.probe;
  probe_ = Id{true, limits_.own + "probe"};
  wires_.to_server +=
      Request(*probe_, "server/discover",
              fmt::format("{{\"_meta\":{{{}}}}}",
                          Envelope(RawAt(first_, {"params", "clientInfo"}), "", "")));
}

void Translator::RefuserProbed() {
  if (!Discovers(line_)) {
    wires_.to_client += refusal_;
    state_ = State::kPassing;
    return Release();
  }
  translation_ = ForSessionClient(wires_, limits_, first_, line_);
  state_ = State::kTranslating;
  Release();
}

std::optional<Translator::Clock::time_point> Translator::Deadline() const {
  const auto other = translation_ ? translation_->Deadline() : std::nullopt;
  if (!deadline_ || (other && *other < *deadline_)) return other;
  return deadline_;
}

void Translator::Expire(Clock::time_point now) {
  if (translation_) translation_->Expire(now);
  SetAside();
  if (!deadline_ || *deadline_ > now) return;
  deadline_.reset();
  if (state_ == State::kProbing) return OpenSession();
  if (state_ != State::kProbingRefuser) return;
  wires_.to_client += refusal_;
  state_ = State::kPassing;
  Release();
}

}  // namespace bailey::mcp
