// Where events go. A sink never waits for a reader: what it cannot take now it loses, and counts.
// (A write to a file may wait for its disk: sinks are called by a thread of their own, trail.h.)
//
//   auto sink = audit::OpenSink("file:/var/log/bailey.jsonl", {});
//   if (!sink) return sink.error();
//   (*sink)->Write(event);
//
// What can be named:
//
//   file:PATH      JSON Lines; at `file_bytes` the file becomes PATH.1, and that PATH.2, up to
//                  PATH.<old_files>: so all of them together stay below file_bytes * (old_files+1)
//   stdout         JSON Lines on standard output
//   unix:PATH      JSON Lines to a stream socket; connected again, at most once a second, when the
//                  reader was gone
//   syslog[:PATH]  RFC 5424 in datagrams to /dev/log, or another socket
//   journald       the journal's own protocol, to /run/systemd/journal/socket
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "audit/event.h"
#include "base/result.h"

namespace bailey::audit {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void Write(const Event& event) = 0;
  // As it was named.
  virtual std::string_view Name() const = 0;
  // Events that were written to it and did not arrive, and the reason of the latest.
  std::uint64_t Lost() const { return lost_; }
  const std::string& LastFault() const { return last_fault_; }

 protected:
  void Lose(std::string fault) {
    ++lost_;
    last_fault_ = std::move(fault);
  }

 private:
  std::uint64_t lost_ = 0;
  std::string last_fault_;
};

struct SinkOptions {
  std::uint64_t file_bytes = 16 << 20;  // of each file
  unsigned old_files = 3;
};

// Errors: kInvalidInput for a name that means no sink, kSystem where a file cannot be opened. A
// socket that nobody listens on yet is no error.
base::Result<std::unique_ptr<Sink>> OpenSink(std::string_view name, const SinkOptions& options);

// One event in the form that a protocol wants, as it is sent.
std::string SyslogMessage(const Event& event, std::string_view hostname);
std::string JournalMessage(const Event& event);

}  // namespace bailey::audit
