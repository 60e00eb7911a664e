// The forms of syslog and of the journal.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "audit/sink.h"

namespace bailey::audit {
namespace {

// RFC 5424 6.2.1: facility 4 (authorization) times 8; severities warning, notice and info.
constexpr int kFacility = 4 * 8;
int SeverityOf(const Event& event) {
  if (!event.alerts.empty()) return 4;
  return event.decision == Decision::kDenied ? 5 : 6;
}

// RFC 5424 6.3.3: a quote, a backslash and a closing bracket are escaped.
std::string Parameter(std::string_view name, std::string_view value) {
  std::string text = fmt::format(" {}=\"", name);
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == ']') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string Printable(std::string_view text, std::size_t most) {
  std::string name;
  for (const char c : text.substr(0, most)) name += c > ' ' && c < 0x7f ? c : '_';
  return name.empty() ? "-" : name;
}

// A daemon takes lines of 2048 bytes at least, and mostly 8192 (RFC 5424 6.1): what is longer is
// cut, between two characters.
constexpr std::size_t kMostBytes = 8192;
std::string Cut(std::string message) {
  if (message.size() <= kMostBytes) return message;
  constexpr std::string_view kMore = "...";
  std::size_t size = kMostBytes - kMore.size();
  while ((message[size] & 0xc0) == 0x80) --size;
  return message.substr(0, size).append(kMore);
}

// The journal's native form: NAME=value, or, where the value has a newline, NAME, a newline, its
// length in eight bytes, little endian, and the value.
void AddField(std::string& message, std::string_view name, std::string_view value) {
  message += name;
  if (value.find('\n') == std::string_view::npos) {
    message += '=';
  } else {
    message += '\n';
    std::uint64_t left = value.size();
    for (int i = 0; i < 8; ++i, left >>= 8) message += static_cast<char>(left & 0xff);
  }
  message += value;
  message += '\n';
}

}  // namespace

std::string SyslogMessage(const Event& event, std::string_view hostname) {
  // Six digits of a second at most (RFC 5424 6.2.3.1).
  std::string time = TimeText(event.time);
  time.replace(time.size() - 4, 3, "");
  std::string data = "[bailey@0";
  data += Parameter("sandbox", event.sandbox);
  data += Parameter("sequence", std::to_string(event.sequence));
  data += Parameter("decision", ToString(event.decision));
  if (event.task) data += Parameter("pid", std::to_string(event.task->pid));
  data += "]";
  return Cut(fmt::format("<{}>1 {} {} bailey {} {} {} {}", kFacility + SeverityOf(event), time,
                         Printable(hostname, 255), ::getpid(), KindOf(event.detail), data,
                         Summary(event)));
}

std::string JournalMessage(const Event& event) {
  std::string message;
  AddField(message, "MESSAGE", Summary(event));
  AddField(message, "PRIORITY", std::to_string(SeverityOf(event)));
  AddField(message, "SYSLOG_IDENTIFIER", "bailey");
  AddField(message, "BAILEY_SANDBOX", event.sandbox);
  AddField(message, "BAILEY_KIND", KindOf(event.detail));
  AddField(message, "BAILEY_DECISION", ToString(event.decision));
  AddField(message, "BAILEY_EVENT", ToJson(event));
  return message;
}

}  // namespace bailey::audit
