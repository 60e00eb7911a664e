// bailey show: what a filter does, as a policy that compiles to an equal one, or for people.
#include <fmt/format.h>

#include <bit>
#include <string>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/filter_bytes.h"
#include "cli/input.h"
#include "prove/restate.h"
#include "prove/summary.h"

namespace bailey::cli {

int RunShow(int argc, char** argv) {
  std::string path;
  std::string format = "toml";
  bool big_endian = std::endian::native == std::endian::big;
  Arguments arguments(
      "show",
      "Prints what a seccomp filter does: as a policy that compiles to an equal filter (exit\n"
      "status 3 where a policy cannot say it, with the reason), or as a text to read.");
  arguments.Value("FILE", path, "the filter's bytes, or - for standard input").Required();
  arguments.Value("--format", format, "toml (the default) or text").OneOf({"toml", "text"});
  arguments.Flag("--big-endian,!--little-endian", big_endian,
                 "the byte order of the machine that the filter is for (default: this one's)");
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (const auto code = arguments.Read(words, kUsage)) return *code;
  // One record more than the longest filter: reading it says that it is too long.
  const auto bytes = ReadInput(path, (bpf::kMaxInstructions + 1) * sizeof(bpf::Instruction));
  if (!bytes) return Fail("show", bytes.error());
  const auto program = ReadFilter(*bytes, big_endian);
  if (!program) return Fail("show", program.error());
  const auto text = format == "text" ? prove::Summarize(*program, big_endian)
                                     : prove::Restate(*program, big_endian);
  if (!text) return Fail("show", text.error());
  fmt::print("{}", *text);
  return kYes;
}

}  // namespace bailey::cli
