// A server's bytes and a client's through the gateway: the first byte says who speaks first, and
// how the bytes are cut. What comes out towards the client is whole messages, or lines cut off.
#include <optional>
#include <string>

#include "input.h"
#include "mcp/gateway.h"
#include "mcp/scanner.h"

using namespace bailey;

namespace {

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
  gateway.FromClient("{\"id\":1,\"method\":\"tools/list\"}\n{\"id\":2,\"method\":\"a\"}\n");
  for (std::size_t at = 0; at < text.size(); at += piece) {
    gateway.FromServer(text.substr(at, piece));
    if (data[0] & 64) gateway.FromClient(text.substr(at, piece));
    (void)gateway.TakeNotes();
  }
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
