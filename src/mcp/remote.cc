#include "mcp/remote.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <list>
#include <map>
#include <memory>

#include "base/text.h"
#include "mcp/event_reader.h"
#include "mcp/line_merger.h"
#include "mcp/remote_request.h"
#include "mcp/replies.h"
#include "mcp/scanner.h"
#include "os/events.h"
#include "os/piped_child.h"

namespace bailey::mcp {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMostLine = 4 << 20;
constexpr std::size_t kMostTransfers = 256;
constexpr std::size_t kMostRefusal = 64 << 10;  // of the body of an HTTP error
constexpr std::size_t kMostGreeting = 1 << 20;  // of an answer to initialize
constexpr std::size_t kMostName = 256;          // of a session
constexpr std::uint32_t kLeastRetry = 100, kUsualRetry = 1000, kMostRetry = 60'000;
constexpr unsigned kMostFailures = 5;
constexpr long kConnectSeconds = 30, kNoticeSeconds = 60, kFarewellSeconds = 5;
constexpr int kPollMilliseconds = 1000;

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

std::string Part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK || text == nullptr) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return lower;
}

class Remote;

// One request over HTTP, and what comes back.
struct Transfer {
  Remote* remote = nullptr;
  LineMerger::Source source = 0;
  RemoteRequest request;
  bool listens = false;  // a GET
  std::string body;
  std::unique_ptr<curl_slist, ListDeleter> fields;
  std::unique_ptr<CURL, EasyDeleter> easy;
  std::unique_ptr<EventReader> events;
  Scanner scanner;
  std::string type, session;
  std::string kept;      // a greeting, or the body of an HTTP error
  std::size_t size = 0;  // of the message that comes
  bool answered = false, paused = false, heard = false;
  std::string fault;      // why it was ended from here
  unsigned failures = 0;  // of the streams before it that brought nothing
  std::string last_event;
};

class Remote {
 public:
  Remote(const RemoteOptions& options, int from, os::PatientWriter to, CURLM* multi)
      : options_(options), from_(from), to_(std::move(to)), multi_(multi), buffer_(64 << 10) {}

  base::Status Run();
  std::size_t TakeBody(Transfer& transfer, std::string_view bytes);
  void TakeField(Transfer& transfer, std::string_view line);

 private:
  struct Waiting {
    Clock::time_point when;
    std::optional<Id> id;
    std::string last_event;
    unsigned failures;
  };

  base::Status Read();
  void Message();
  void Post(RemoteRequest request, std::string body);
  Transfer& Make(RemoteRequest request, const char* method);
  void Begin(Transfer& transfer, std::vector<std::string> fields);
  void Listen(std::optional<Id> id, std::string last_event, unsigned failures);
  void Finished(CURL* easy, CURLcode code);
  void EndOf(Transfer& transfer, CURLcode code);
  bool GoesOn(Transfer& transfer);
  void Reply(Transfer& transfer, std::string_view why);
  void Emit(Transfer& transfer, std::string_view bytes);
  void EndMessage(Transfer& transfer);
  void Drop(Transfer& transfer);
  void GiveUp(const Id& id);
  bool Write();
  void Unpause();
  std::string_view Advice(long status) const;
  void SayFarewell();
  bool HasRoom() const { return transfers_.size() < kMostTransfers && notices_ == 0; }
  // What was asked before the client went away is still answered.
  bool IsAsked() const {
    return !waiting_.empty() || std::ranges::any_of(transfers_, [](const Transfer& transfer) {
      return transfer.request.id || !transfer.listens;
    });
  }
  static long StatusOf(const Transfer& transfer);

  const RemoteOptions& options_;
  int from_;
  os::PatientWriter to_;
  CURLM* multi_;
  std::vector<char> buffer_;
  Scanner scanner_;
  std::string line_;
  bool reads_ = true, hears_ = true;
  bool reached_ = false, advised_ = false;
  std::string unreached_;  // the last reason why nothing has ever answered
  RemoteSession session_;
  LineMerger merger_;
  std::list<Transfer> transfers_;
  std::size_t notices_ = 0;  // on their way: what follows them must not come first
  LineMerger::Source last_source_ = 0;
  std::vector<Waiting> waiting_;
};

std::size_t OnBody(const char* data, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  return transfer.remote->TakeBody(transfer, {data, size});
}

std::size_t OnField(const char* data, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  transfer.remote->TakeField(transfer, {data, size});
  return size;
}

long Remote::StatusOf(const Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

// What the client says.

base::Status Remote::Read() {
  const auto size = os::ReadOnce(from_, buffer_);
  if (!size && size.error().value == EAGAIN) return {};
  if (!size) return base::SystemError("read from the client", size.error().value);
  if (*size == 0) reads_ = false;
  std::string_view bytes(buffer_.data(), *size);
  while (!bytes.empty()) {
    const std::size_t taken = scanner_.Take(bytes);
    if (line_.size() <= kMostLine) line_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    if (!scanner_.IsAtEnd()) continue;
    // The gateway has looked at it already; what is none is not for the network.
    if (!scanner_.IsBlank() && scanner_.Fault().empty() && line_.size() <= kMostLine) Message();
    scanner_.Reset();
    line_.clear();
  }
  return {};
}

void Remote::Message() {
  RemoteRequest request = Describe(line_, scanner_.GetHead(), session_);
  if (request.cancels && request.is_stateless) return GiveUp(*request.cancels);
  // In a session the server hears of it; in none the end of the connection says it.
  if (request.cancels && session_.version.empty()) return GiveUp(*request.cancels);
  line_.pop_back();
  Post(std::move(request), std::move(line_));
}

void Remote::GiveUp(const Id& id) {
  for (auto one = transfers_.begin(); one != transfers_.end(); ++one) {
    if (one->request.id != id) continue;
    curl_multi_remove_handle(multi_, one->easy.get());
    Drop(*one);
    return;
  }
}

Transfer& Remote::Make(RemoteRequest request, const char* method) {
  Transfer& transfer = transfers_.emplace_back();
  transfer.remote = this;
  transfer.source = ++last_source_;
  transfer.request = std::move(request);
  transfer.easy.reset(curl_easy_init());
  CURL* const easy = transfer.easy.get();
  curl_easy_setopt(easy, CURLOPT_URL, options_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnField);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  if (!options_.authorities.empty())
    curl_easy_setopt(easy, CURLOPT_CAINFO, options_.authorities.c_str());
  transfer.events = std::make_unique<EventReader>(
      [this, &transfer](std::string_view data) { Emit(transfer, data); },
      [this, &transfer] { EndMessage(transfer); });
  return transfer;
}

void Remote::Begin(Transfer& transfer, std::vector<std::string> fields) {
  fields.insert(fields.end(), options_.fields.begin(), options_.fields.end());
  for (const std::string& field : fields)
    transfer.fields.reset(curl_slist_append(transfer.fields.release(), field.c_str()));
  curl_easy_setopt(transfer.easy.get(), CURLOPT_HTTPHEADER, transfer.fields.get());
  curl_multi_add_handle(multi_, transfer.easy.get());
}

void Remote::Post(RemoteRequest request, std::string body) {
  std::vector<std::string> fields = request.fields;
  const bool is_request = request.id.has_value();
  Transfer& transfer = Make(std::move(request), "POST");
  transfer.body = std::move(body);
  CURL* const easy = transfer.easy.get();
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer.body.data());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(transfer.body.size()));
  if (!is_request) {
    ++notices_;
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, kNoticeSeconds);
  }
  fields.insert(fields.end(), {"Content-Type: application/json",
                               "Accept: application/json, text/event-stream", "Expect:"});
  Begin(transfer, std::move(fields));
}

void Remote::Listen(std::optional<Id> id, std::string last_event, unsigned failures) {
  RemoteRequest request;
  request.id = std::move(id);
  Transfer& transfer = Make(std::move(request), "GET");
  transfer.listens = true;
  transfer.failures = failures;
  transfer.last_event = std::move(last_event);
  curl_easy_setopt(transfer.easy.get(), CURLOPT_HTTPGET, 1L);
  std::vector<std::string> fields = SessionFields(session_);
  fields.push_back("Accept: text/event-stream");
  if (!transfer.last_event.empty()) fields.push_back("Last-Event-ID: " + transfer.last_event);
  Begin(transfer, std::move(fields));
}

// What the server says.

void Remote::TakeField(Transfer& transfer, std::string_view line) {
  if (line.starts_with("HTTP/")) {  // of a further answer: 100 came first
    transfer.type.clear();
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = Lower(line.substr(0, colon));
  const std::string_view value = base::Trim(line.substr(colon + 1));
  if (name == "content-type") transfer.type = Lower(base::Trim(value.substr(0, value.find(';'))));
  const auto plain = [](char c) { return c > ' ' && c <= '~'; };
  if (name == "mcp-session-id" && value.size() <= kMostName && std::ranges::all_of(value, plain))
    transfer.session = value;
}

std::size_t Remote::TakeBody(Transfer& transfer, std::string_view bytes) {
  constexpr long kFine = 200, kFineEnd = 300;
  const long status = StatusOf(transfer);
  if (status < kFine || status >= kFineEnd) {
    transfer.kept += bytes.substr(0, kMostRefusal - std::min(kMostRefusal, transfer.kept.size()));
    return bytes.size();
  }
  if (merger_.IsFull(transfer.source)) {
    transfer.paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  if (transfer.type == "text/event-stream") {
    transfer.events->Take(bytes);
  } else if (transfer.type == "application/json") {
    Emit(transfer, bytes);
  } else {
    transfer.fault = fmt::format("its answer is \"{}\", which is neither JSON nor events",
                                 base::Escape(transfer.type));
  }
  return transfer.fault.empty() ? bytes.size() : 0;
}

void Remote::Emit(Transfer& transfer, std::string_view bytes) {
  transfer.size += bytes.size();
  if (transfer.size > options_.most)
    transfer.fault = fmt::format("it says more than {} bytes at once", options_.most);
  if (!transfer.fault.empty()) return;
  std::string piece(bytes);
  // On a stream of lines a message has none; between its tokens a blank is as good.
  std::ranges::replace(piece, '\n', ' ');
  std::ranges::replace(piece, '\r', ' ');
  (void)transfer.scanner.Take(piece);
  if (transfer.request.method == "initialize") {
    transfer.kept += piece;
    if (transfer.kept.size() > kMostGreeting)
      transfer.fault = fmt::format("its answer is longer than {} bytes", kMostGreeting);
    return;
  }
  merger_.Add(transfer.source, piece);
}

void Remote::EndMessage(Transfer& transfer) {
  const Head& head = transfer.scanner.GetHead();
  const bool answers = !head.method && transfer.request.id && head.id == *transfer.request.id;
  if (answers && transfer.request.method == "initialize") {
    session_ = {transfer.session, VersionIn(transfer.kept)};
    merger_.Add(transfer.source, transfer.kept);
  } else if (transfer.request.method == "initialize") {
    merger_.Add(transfer.source, transfer.kept);
  }
  transfer.kept.clear();
  if (!transfer.scanner.IsBlank()) merger_.End(transfer.source);
  transfer.scanner.Reset();
  transfer.size = 0;
  transfer.answered = transfer.answered || answers;
  transfer.heard = true;
}

void Remote::Finished(CURL* easy, CURLcode code) {
  curl_multi_remove_handle(multi_, easy);
  const auto found = std::ranges::find_if(
      transfers_, [&](const Transfer& transfer) { return transfer.easy.get() == easy; });
  if (found == transfers_.end()) return;
  EndOf(*found, code);
  Drop(*found);
}

void Remote::Drop(Transfer& transfer) {
  merger_.Cut(transfer.source);
  if (!transfer.request.id && !transfer.listens) --notices_;
  transfers_.remove_if([&](const Transfer& one) { return &one == &transfer; });
}

void Remote::EndOf(Transfer& transfer, CURLcode code) {
  const long status = StatusOf(transfer);
  reached_ = reached_ || status != 0;
  constexpr long kFine = 200, kFineEnd = 300, kNotFound = 404;
  const bool is_fine = status >= kFine && status < kFineEnd;
  if (code == CURLE_OK && is_fine && transfer.type == "application/json" && !transfer.listens)
    EndMessage(transfer);
  if (transfer.request.method == "notifications/initialized" && code == CURLE_OK && is_fine)
    Listen(std::nullopt, "", 0);
  if (transfer.answered) return;
  if (is_fine && transfer.fault.empty() && GoesOn(transfer)) return;
  if (transfer.listens && !transfer.request.id) return;  // it has no such stream
  std::string why = transfer.fault;
  if (why.empty() && code != CURLE_OK) why = curl_easy_strerror(code);
  if (why.empty() && status == kNotFound && !session_.name.empty()) why = "its session has ended";
  if (why.empty() && !is_fine) why = fmt::format("status {}{}", status, Advice(status));
  if (why.empty()) why = "there is no answer in it";
  if (is_fine && !transfer.request.id && code == CURLE_OK) return;  // a notice was taken
  why = fmt::format("ask {}: {}", base::Escape(options_.url), why);
  if (!reached_) unreached_ = why;
  if (!Advice(status).empty() && !std::exchange(advised_, true)) options_.note(why);
  Reply(transfer, why);
}

// What its user can do about a status.
std::string_view Remote::Advice(long status) const {
  constexpr long kUnauthorized = 401, kForbidden = 403;
  if (status != kUnauthorized && status != kForbidden) return "";
  const bool is_named = std::ranges::any_of(options_.fields, [](const std::string& field) {
    return Lower(field).starts_with("authorization:");
  });
  if (is_named) return ": it does not take the token that was given";
  return ": it wants a token; get one where its provider gives them, put it into a variable, and "
         "name "
         "that: --bearer-env NAME";
}

// A stream that ended without what was waited for is asked for again from where it ended.
bool Remote::GoesOn(Transfer& transfer) {
  const std::string& last =
      transfer.events->LastId().empty() ? transfer.last_event : transfer.events->LastId();
  if (transfer.type != "text/event-stream") return false;
  if (!transfer.request.id && !reads_) return false;
  if (session_.version.empty() || transfer.request.is_stateless) return false;
  if (transfer.request.id && last.empty()) return false;
  const unsigned failures = transfer.heard ? 0 : transfer.failures + 1;
  if (failures > kMostFailures) return false;
  const std::uint32_t retry = std::clamp(transfer.events->RetryMilliseconds().value_or(kUsualRetry),
                                         kLeastRetry, kMostRetry);
  waiting_.push_back(
      {Clock::now() + std::chrono::milliseconds(retry), transfer.request.id, last, failures});
  return true;
}

void Remote::Reply(Transfer& transfer, std::string_view why) {
  merger_.Cut(transfer.source);
  if (transfer.request.id)
    return merger_.AddLine(RefusedReply(*transfer.request.id, transfer.kept, why));
  options_.note(std::string(why));
}

// Bytes out.

bool Remote::Write() {
  std::string& out = merger_.Out();
  if (!hears_) out.clear();
  if (out.empty()) return true;
  const auto size = to_.Write(out);
  if (!size && size.error().value != EAGAIN) hears_ = false;
  if (size) out.erase(0, *size);
  return size.has_value();
}

void Remote::Unpause() {
  for (auto one = transfers_.begin(); one != transfers_.end();) {
    Transfer& transfer = *one++;
    if (!transfer.paused || merger_.IsFull(transfer.source)) continue;
    transfer.paused = false;
    curl_easy_pause(transfer.easy.get(), CURLPAUSE_CONT);
  }
}

base::Status Remote::Run() {
  while (hears_ && (reads_ || !merger_.Out().empty() || IsAsked())) {
    std::array<curl_waitfd, 2> more = {};
    unsigned count = 0;
    const bool listens = reads_ && HasRoom();
    if (listens) more[count++] = {from_, CURL_WAIT_POLLIN, 0};
    if (!merger_.Out().empty()) more[count++] = {to_.Descriptor(), CURL_WAIT_POLLOUT, 0};
    int running = 0;
    curl_multi_perform(multi_, &running);
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) Finished(message->easy_handle, message->data.result);
    (void)Write();
    Unpause();
    const auto now = Clock::now();
    int wait = kPollMilliseconds;
    for (std::size_t i = 0; i < waiting_.size();) {
      const auto due = std::chrono::ceil<std::chrono::milliseconds>(waiting_[i].when - now).count();
      if (due > 0) {
        wait = std::min(wait, static_cast<int>(due));
        ++i;
        continue;
      }
      Waiting one = std::move(waiting_[i]);
      waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      Listen(std::move(one.id), std::move(one.last_event), one.failures);
    }
    // What was written or finished just now may have made room: nothing is waited for then.
    if (!listens && reads_ && HasRoom()) continue;
    curl_multi_poll(multi_, more.data(), count, wait, nullptr);
    if (!listens || !(more[0].revents & CURL_WAIT_POLLIN)) continue;
    if (auto done = Read(); !done) return done;
  }
  if (!reached_ && !unreached_.empty()) return base::Unsupported(unreached_);
  SayFarewell();
  return {};
}

void Remote::SayFarewell() {
  for (const Transfer& transfer : transfers_) curl_multi_remove_handle(multi_, transfer.easy.get());
  transfers_.clear();
  if (session_.name.empty()) return;
  Transfer& transfer = Make({}, "DELETE");
  transfer.listens = true;
  curl_easy_setopt(transfer.easy.get(), CURLOPT_TIMEOUT, kFarewellSeconds);
  Begin(transfer, SessionFields(session_));
  for (int running = 1; running > 0;) {
    if (curl_multi_perform(multi_, &running) != CURLM_OK) break;
    if (running > 0) curl_multi_poll(multi_, nullptr, 0, kPollMilliseconds, nullptr);
  }
  // A server need not let its sessions be ended: there is nothing to say about it.
  curl_multi_remove_handle(multi_, transfer.easy.get());
  transfers_.clear();
}

}  // namespace

base::Status CheckUrl(const std::string& url) {
  const auto fault = [&](std::string_view cause) {
    return base::InvalidInput(fmt::format("wrap {}: {}", base::Escape(url), cause));
  };
  const std::unique_ptr<CURLU, UrlDeleter> parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return fault("it is no address");
  const std::string scheme = Part(parsed.get(), CURLUPART_SCHEME);
  const std::string host = Part(parsed.get(), CURLUPART_HOST);
  if (!Part(parsed.get(), CURLUPART_USER).empty() ||
      !Part(parsed.get(), CURLUPART_PASSWORD).empty())
    return fault("a name and password have no place in it");
  if (scheme == "https") return {};
  if (scheme != "http") return fault("it begins with neither https:// nor http://");
  if (host == "localhost" || host == "127.0.0.1" || host == "[::1]") return {};
  return fault("http:// is for this machine alone: nothing is encrypted");
}

base::Status RunRemote(const RemoteOptions& options, int from, int to) {
  if (const auto ignored = os::IgnoreBrokenPipes(); !ignored)
    return base::SystemError("ignore broken pipes", ignored.error().value);
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return base::Internal("start libcurl: it fails");
  const std::unique_ptr<CURLM, MultiDeleter> multi(curl_multi_init());
  auto writer = os::PatientWriter::Of(to);
  if (!writer) return base::SystemError("write to the client", writer.error().value);
  return Remote(options, from, *std::move(writer), multi.get()).Run();
}

}  // namespace bailey::mcp
