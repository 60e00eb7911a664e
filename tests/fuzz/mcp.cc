// A server's bytes and a client's through the gateway: the first byte says how the bytes are cut,
// whether the client says them too, and whether eras of the protocol are translated. What comes out
// towards the server is whole messages.
#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "input.h"
#include "mcp/gateway.h"
#include "mcp/scanner.h"

using namespace bailey;

namespace {

constexpr std::string_view kMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
    R"("io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"roots":{}}})";
// Each before a server that answers, if the input says so.
const std::array<std::string, 3> kBeginnings = {
    R"({"id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})"
    "\n",
    R"({"id":0,"method":"server/discover","params":{)" + std::string(kMeta) + "}}\n",
    R"({"id":0,"method":"tools/call","params":{"name":"a",)" + std::string(kMeta) + "}}\n"};

bool IsList(const mcp::Head& head) { return head.method == "tools/list"; }

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  const std::string_view text = Text(data + 1, size - 1);
  mcp::Gateway gateway({.held = 4096, .passed = 8192, .window = 64, .unanswered = 8},
                       [](const mcp::Tool& tool) -> std::optional<std::string> {
                         if (tool.definition.size() % 2) return "odd";
                         return std::nullopt;
                       });
  if (data[0] & 128)
    gateway.SetTranslating({.own = "o-", .held = 4096, .window = 64, .probe = {}, .question = {}});
  if (data[0] & 128) gateway.FromClient(kBeginnings[data[0] % kBeginnings.size()]);
  gateway.FromClient("{\"id\":1,\"method\":\"tools/list\"}\n{\"id\":2,\"method\":\"a\"}\n");
  for (std::size_t at = 0; at < text.size(); at += piece) {
    gateway.FromServer(text.substr(at, piece));
    if (data[0] & 64) gateway.FromClient(text.substr(at, piece));
    (void)gateway.TakeNotes();
  }
  gateway.Expire(std::chrono::steady_clock::now() + std::chrono::hours(1));
  gateway.ServerEnded("it is over");
  // What goes to the server is always whole, and no list is asked for that nobody awaits.
  mcp::Scanner scanner;
  for (std::string_view left = gateway.ToServer(); !left.empty();) {
    left.remove_prefix(scanner.Take(left));
    Demand(scanner.IsAtEnd(), "a message to the server ends");
    Demand(scanner.Fault().empty(), "a message to the server is one");
    Demand(!IsList(scanner.GetHead()) || scanner.GetHead().id.has_value(), "a list has an id");
    scanner.Reset();
  }
  Demand(!gateway.HasUnanswered(), "everything is answered in the end");
  return 0;
}
