// What clients of `--listen` send and what servers say to them, cut as the first byte says: two
// connections, one of which has a session. Memory stays bounded, and no client is answered by what
// is no answer over HTTP.
#include <optional>
#include <string>

#include "input.h"
#include "mcp/http_front.h"

using namespace bailey;

namespace {

constexpr std::string_view kBegin =
    "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: */*\r\n"
    "Content-Length: 30\r\n\r\n{\"id\":1,\"method\":\"initialize\"}";

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  const std::string_view text = Text(data + 1, size - 1);
  mcp::HttpFrontLimits limits;
  limits.request = {2048, 4096};
  limits.sessions = 2;
  const auto now = mcp::HttpClock::time_point();
  mcp::HttpFront front(mcp::RulesFor("127.0.0.1", 80, {}, {}), limits, [] { return "s"; });
  front.Opened(1, now);
  front.Opened(2, now);
  front.FromClient(1, kBegin, now);
  front.FromServer(1, "{\"id\":1,\"result\":{}}\n");
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const std::string_view part = text.substr(at, piece);
    front.FromClient(1 + at % 2, part, now);
    if (data[0] & 64) front.FromServer(1 + at % 3, part);
    if (data[0] & 128) front.Tick(now + std::chrono::seconds(at));
  }
  for (const mcp::ConnectionId id : {1, 2}) {
    const std::string& out = front.ToClient(id);
    Demand(out.empty() || out.starts_with("HTTP/1.1 "), "an answer begins as one");
    Demand(out.size() < 65536 + 16 * size, "answers are bounded");
  }
  for (const mcp::ServerNumber server : front.TakeWanted()) front.ServerGone(server, "it is over");
  front.ClientGone(1);
  front.ClientGone(2);
  return 0;
}
