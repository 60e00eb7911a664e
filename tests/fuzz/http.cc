// Requests on a connection, in one piece and byte by byte: the same passes, and no request for
// another host does.
#include "network/http.h"

#include <string>

#include "input.h"

using namespace bailey;

namespace {

struct Passed {
  std::string text;
  bool refused = false;
};

Passed Pass(std::string_view text, std::size_t piece) {
  network::HttpRequests requests(*egress::Host::Parse("a.test"));
  Passed passed;
  std::string held;
  for (std::size_t at = 0; at < text.size() && !passed.refused; at += piece) {
    held += text.substr(at, piece);
    const auto step =
        requests.Look({reinterpret_cast<const std::uint8_t*>(held.data()), held.size()});
    Demand(step.pass <= held.size(), "no more passes than is there");
    passed.refused = !step.refused.empty();
    if (passed.refused) break;
    passed.text += held.substr(0, step.pass);
    held.erase(0, step.pass);
  }
  return passed;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view text = Text(data, size);
  (void)network::Classify({data, size});
  const Passed whole = Pass(text, size + 1);
  const Passed bytes = Pass(text, 1);
  Demand(whole.refused == bytes.refused, "pieces change no verdict");
  if (!whole.refused) Demand(whole.text == bytes.text, "pieces change nothing that passes");
  return 0;
}
