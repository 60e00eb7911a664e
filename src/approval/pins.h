// Which definition of each tool was approved: its name, description, schema and annotations, all of
// it. A server that changes what a tool says of itself changes what a model makes of it.
//
//   Pins pins(std::move(database));
//   auto verdict = pins.Check(server, "read_file", definition);
//   if (verdict && *verdict == PinVerdict::kChanged) Withhold();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "approval/database.h"
#include "base/result.h"

namespace bailey::approval {

enum class PinVerdict : std::uint8_t {
  kSame,     // as it was approved
  kNew,      // never seen: pinned now
  kChanged,  // another definition than the approved one: remembered for a diff, and not approved
};

struct Pin {
  std::string server, tool;
  std::string hash, definition;  // approved
  std::string since;             // "2026-11-22T03:01:02Z"
  // What the server says now, where that is something else.
  std::string seen_hash, seen;
  bool IsChanged() const { return !seen_hash.empty(); }
};

// SHA-256, in hexadecimal.
std::string Hash(std::string_view text);

class Pins {
 public:
  explicit Pins(Database database) : database_(std::move(database)) {}

  // `definition`: in a form in which equal ones are equal texts.
  base::Result<PinVerdict> Check(std::string_view server, std::string_view tool,
                                 std::string_view definition);
  // Of one server, or of all ("").
  base::Result<std::vector<Pin>> List(std::string_view server);
  // What was seen last is what is approved. `tool` "": every one of the server's. How many.
  base::Result<int> Approve(std::string_view server, std::string_view tool);
  base::Result<int> Forget(std::string_view server, std::string_view tool);

  Database& Underneath() { return database_; }

 private:
  Database database_;
};

// Two definitions, line by line: "- " what was approved, "+ " what is said now, "  " what is the
// same. Control characters are escaped.
std::string Difference(std::string_view approved, std::string_view seen);

}  // namespace bailey::approval
