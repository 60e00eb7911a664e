// What the commands for pools have in common, whatever is prepared.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/arguments.h"

namespace bailey::cli {

struct Serving {
  std::string command;  // for errors
  std::string place;    // of the socket
  // Until the end. Calls what it is given once, when all are prepared.
  std::function<base::Status(const std::function<void()>& ready)> serve;
};
// In a process of its own, or in this one; prints the place when it is ready.
int ServePool(const Serving& serving, bool in_front);
// `kind`: pool/directory.h. argv[0] is the command's name.
int ShowPools(std::string_view command, const char* kind, int argc, char** argv);

// Which pools to stop, and whether what runs ends as well.
struct WhichPools {
  std::string name;
  bool all = false, kill = false;
};
// `ends`: how the help says what --kill adds.
void Describe(Arguments& arguments, WhichPools& which, const std::string& command,
              const std::string& ends);
// `own`: the name of the one that was started with the same options here.
int StopPools(std::string_view command, const char* kind, const WhichPools& which,
              const std::function<base::Result<std::string>()>& own);

}  // namespace bailey::cli
