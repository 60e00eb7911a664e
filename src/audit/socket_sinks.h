// Sinks that are unix sockets: lines to whoever listens, syslog, the journal.
#pragma once

#include <memory>
#include <string>

#include "audit/sink.h"

namespace bailey::audit {

std::unique_ptr<Sink> MakeSocketSink(const std::string& path);
std::unique_ptr<Sink> MakeSyslogSink(const std::string& path);
std::unique_ptr<Sink> MakeJournalSink(const std::string& path);

}  // namespace bailey::audit
