// Between one client and one server: what each says goes to the other byte for byte, but for what
// this class refuses. It does no input or output; whoever does moves the bytes.
//
//   Gateway gateway(options, check_tool);
//   gateway.FromClient(bytes);  gateway.FromServer(bytes);
//   Write(gateway.ToServer());  Write(gateway.ToClient());     // and erase what was written
//   gateway.ServerEnded("it was killed");
//
// What it holds back until it has been read whole, up to `held` bytes: requests, notifications and
// answers to tools/list. Everything else a server says is passed on as it comes. A message that is
// at fault is not passed on; where a part of it has been, its line is cut there, so that no reader
// takes it for whole, and an error follows with the request's id.
//
//   - An answer to nothing that was asked is dropped: a server cannot answer before it is asked.
//   - Of a list of tools, those are taken out whose definition is not the approved one.
//   - A call of a tool that was not listed yet makes the gateway list first. A tool that is not in
//     the list, or not as it was approved, is not called.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mcp/replies.h"
#include "mcp/scanner.h"
#include "mcp/tools.h"
#include "mcp/translator.h"

namespace bailey::mcp {

struct GatewayOptions {
  std::size_t held = 4u << 20;
  std::size_t passed = 64u << 20;  // the longest answer
  std::size_t window = 64u << 10;  // shorter answers are passed on whole or not at all
  std::size_t unanswered = 1024;   // requests
  // Its own requests' ids begin so; of two gateways in a row each needs another.
  std::string own = "bailey-list-";
};

// Whether a tool may be used as it is now defined; where not, why, for a person and a model.
using CheckTool = std::function<std::optional<std::string>(const Tool&)>;
// The same for one call, which a person may have to be asked about first.
struct Verdict {
  std::optional<std::string> refusal;
  std::string question;      // empty: nobody is asked
  std::uint64_t number = 0;  // of the question
};
using CheckCall = std::function<Verdict(const Call&)>;
// Why a call is refused after its question was answered ("once", "session", "workspace", "deny", or
// nothing: nobody answered in time); nothing where it is made.
using Resolve = std::function<std::optional<std::string>(std::uint64_t number,
                                                         std::optional<std::string_view> answer)>;

// Who decides for a gateway.
struct Judges {
  CheckTool check_tool;
  CheckCall check_call;
  Resolve resolve;
};

class Gateway {
 public:
  Gateway(const GatewayOptions& options, CheckTool check_tool)
      : options_(options), check_tool_(std::move(check_tool)) {}

  // The same, in another's place: a gateway that is confined asks somebody who is not.
  Judges GetJudges() const { return {check_tool_, check_call_, resolve_}; }
  void SetJudges(Judges judges) {
    check_tool_ = std::move(judges.check_tool);
    check_call_ = std::move(judges.check_call);
    resolve_ = std::move(judges.resolve);
  }
  void SetCheckCall(CheckCall check) { check_call_ = std::move(check); }
  // Questions of CheckCall go to the client, where it shows forms (mcp/elicitation.h); what the
  // server asks is marked as `server`'s then. An answer has to come within `limit`.
  void SetAsking(Resolve resolve, std::string server, std::chrono::seconds limit) {
    resolve_ = std::move(resolve);
    server_name_ = std::move(server);
    ask_limit_ = limit;
  }
  // A client and a server of different eras of the protocol are translated (mcp/translator.h).
  void SetTranslating(const TranslationLimits& limits) {
    translator_ = std::make_unique<Translator>(limits, [this] { ToolsHaveChanged(); });
  }
  using Clock = std::chrono::steady_clock;
  // When the next question is over, and what is to be called then.
  std::optional<Clock::time_point> Deadline() const;
  void Expire(Clock::time_point now);
  // Takes of the bytes that go to the client as many as it has room for right now, so that they are
  // not copied; what is left waits in ToClient().
  void SetClient(std::function<std::size_t(std::string_view)> client) {
    client_now_ = std::move(client);
  }
  void FromClient(std::string_view bytes);
  void FromServer(std::string_view bytes);
  // Answers what the server still owed; `how` ends a sentence.
  void ServerEnded(std::string_view how);

  std::string& ToClient() { return to_client_; }
  std::string& ToServer() { return to_server_; }
  // There is more to come for the server, of what the client has said already.
  bool HoldsForServer() const {
    return !waiting_.empty() || (translator_ && translator_->HoldsForServer());
  }
  bool HasUnanswered() const { return !pending_.empty() || !asked_.empty(); }
  // What a person should hear of, taken away. A hostile peer cannot make it long.
  std::vector<std::string> TakeNotes();

 private:
  enum class Kind { kOther, kClientsList, kOwnList };
  enum class Flow { kDeciding, kPassing, kHolding, kDropping };
  struct Waiting {
    std::string line;
    Id id;
    Call call;
  };
  struct Asked {
    Waiting waiting;
    std::uint64_t number = 0;
    Clock::time_point until;
    bool is_stateless = false;  // it has been answered, and comes again
  };

  void ClientBytes(std::string_view bytes);
  void ClientMessage();
  void ClientRequest(const Id& id);
  void ClientCall(const Id& id);
  void ClientCancels();
  void PassCall(std::string line, const Id& id, const Call& call);
  void Ask(std::string line, const Id& id, const Call& call, const Verdict& verdict);
  bool TakesAnswer(const std::string& line, const Id& id, const Call& call);
  void EndQuestion(std::map<Id, Asked>::iterator asked, std::optional<std::string_view> answer,
                   Id id);
  void ForgetQuestionsOf(const Id& call);
  bool IsAskedAbout(const Id& call) const;
  void RefuseCall(const Id& id, const Call& call, std::string_view why);
  void AskForTools(std::string_view meta, std::string_view cursor);
  void ResolveWaiting();

  void Send(std::string_view line);
  void Say(std::string_view line);
  void TakeTranslated();
  void ToolsHaveChanged();
  void ServerText(std::string_view bytes);
  void Decide();
  void ServerBytes(std::string_view chunk);
  void ServerMessage();
  void ServerAnswer();
  void ServerFault();
  void ListAnswer(Kind kind);
  std::vector<Range> CheckList(const ToolList& list);
  void Cut(std::string_view why);
  std::optional<Kind> Expected() const;
  bool AwaitsList() const { return lists_pending_ > 0; }
  void Forget(const Id& id);
  void Note(std::string note);

  GatewayOptions options_;
  CheckTool check_tool_;
  CheckCall check_call_;
  Resolve resolve_;
  std::string server_name_;
  std::chrono::seconds ask_limit_{60};
  bool client_elicits_ = false;
  std::uint64_t questions_ = 0;
  std::map<Id, Asked> asked_;  // by the question's id, or by the state that comes back
  std::function<std::size_t(std::string_view)> client_now_;
  std::unique_ptr<Translator> translator_;
  std::string to_client_, to_server_;
  std::string later_;  // for the client, when the message that is passed on is over
  std::map<Id, Kind> pending_;
  std::size_t lists_pending_ = 0;

  Scanner client_;
  std::string client_line_;
  bool client_too_long_ = false;

  Scanner server_;
  std::string server_line_;
  std::size_t server_passed_ = 0;
  Flow flow_ = Flow::kDeciding;

  // Tools that the server has listed since it last said that its list has changed; with a reason
  // where one may not be used.
  std::map<std::string, std::optional<std::string>, std::less<>> tools_;
  bool own_list_asked_ = false;
  bool list_is_whole_ = false;
  std::size_t own_lists_ = 0, own_pages_ = 0;
  std::string own_meta_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::vector<std::string> notes_;
  std::size_t notes_left_ = 100;
};

}  // namespace bailey::mcp
