// What a call of a tool would do, by its effect: never by words in its name, and never by what its
// server says of it.
//
//   const Classified classified = Classify(action, read_file);
//   if (!classified.is_green) Ask(MakeCard(action, classified));
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bailey::approval {

struct Action {
  std::string server, tool;
  std::string hash;       // of the tool's definition
  std::string arguments;  // a JSON object
  std::string workspace;  // absolute
  bool own = false;       // one of bailey's own tools, of which it is known what they do
};

enum class Effect : std::uint8_t {
  kRead,     // within the workspace
  kWrite,    // within the workspace
  kDelete,   // what a file held is gone
  kRun,      // a program, behind the sandbox's wall
  kWiden,    // a program behind another wall than the usual one
  kNetwork,  // it names an address
  kOutside,  // it names a path outside of the workspace
  kUnknown,
};
std::string_view ToString(Effect effect);

struct Classified {
  Effect effect = Effect::kUnknown;
  bool is_green = false;  // done without asking
  std::string why;
  // What an answer that is remembered is about, beside the tool: a program's exact words, a path.
  // Empty: all of the tool's calls.
  std::string subject;
  std::string policy;              // that kWiden names
  std::vector<std::string> shown;  // lines for a person, in printable ASCII, nothing cut
  bool operator==(const Classified&) const = default;
};

// The text of a file of the workspace; nothing where there is none.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;
Classified Classify(const Action& action, const ReadFile& read);

// Lines that differ: "- ", "+ ", and "  " for those around them.
std::vector<std::string> LineDifference(const std::vector<std::string>& a,
                                        const std::vector<std::string>& b);

}  // namespace bailey::approval
