#include "audit/sink.h"

#include <fmt/format.h>

#include "audit/file_sink.h"
#include "audit/socket_sinks.h"
#include "audit/standard_output_sink.h"
#include "base/text.h"

namespace bailey::audit {

base::Result<std::unique_ptr<Sink>> OpenSink(std::string_view name, const SinkOptions& options) {
  const auto colon = name.find(':');
  const std::string_view kind = name.substr(0, colon);
  const std::string path(colon == std::string_view::npos ? "" : name.substr(colon + 1));
  if (kind == "stdout" && path.empty()) return MakeStandardOutputSink();
  if (kind == "journald" && path.empty()) return MakeJournalSink("/run/systemd/journal/socket");
  if (kind == "syslog" && (colon == std::string_view::npos || path.starts_with('/')))
    return MakeSyslogSink(path.empty() ? "/dev/log" : path);
  if (kind == "unix" && path.starts_with('/')) return MakeSocketSink(path);
  if (kind == "file" && path.starts_with('/')) return OpenFileSink(path, options);
  return base::InvalidInput(
      fmt::format("open audit sink \"{}\": expected file:, unix: or syslog: and an absolute path, "
                  "or stdout, syslog or journald",
                  base::Escape(name)));
}

}  // namespace bailey::audit
