// bailey compile: a policy's system call part as a filter, for `bwrap --seccomp` and for people.
#include "compile/compile.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "abi/arch.h"
#include "base/text.h"
#include "bpf/disassembler.h"
#include "cli/arguments.h"
#include "cli/caller.h"
#include "cli/commands.h"
#include "cli/filter_bytes.h"
#include "cli/input.h"
#include "cli/prove.h"
#include "compile/draw_svg.h"
#include "compile/draw_text.h"
#include "compile/export_profile.h"
#include "policy/import.h"
#include "prove/keep.h"
#include "prove/validate.h"

namespace bailey::cli {
namespace {

struct CompileOptions {
  std::string policy;
  std::string profile;
  std::string profile_format;
  std::string thread;
  std::vector<std::string> capabilities;
  std::string output;
  std::string format = "raw";
  std::vector<std::string> architectures;
  bool own = false;
  bool stats = false;
};

constexpr char kDescription[] =
    "Turns a policy into a seccomp filter: raw struct sock_filter records, as seccomp(2) and\n"
    "`bwrap --seccomp` take them, in the byte order of the machine that is to run it.\n"
    "Before it is written, the filter is proved equal to the policy.";

void Describe(Arguments& arguments, CompileOptions& options) {
  arguments.Value("POLICY", options.policy, "a policy file, or a preset");
  arguments.Value("--from", options.profile,
                  "instead of a policy: a container engine's seccomp profile (OCI or Docker JSON), "
                  "Firecracker's filters (JSON), or a systemd unit with SystemCallFilter=");
  arguments
      .Value("--from-format", options.profile_format,
             "what --from is, where it should not be found out: oci, firecracker, systemd")
      .OneOf({"oci", "firecracker", "systemd"})
      .Called("FORMAT");
  arguments.Value("--thread", options.thread, "of Firecracker's filters, this thread's")
      .Called("NAME");
  arguments.Values(
      "--cap", options.capabilities,
      "a capability that the OCI profile's container has; may be repeated (default: what "
      "Docker gives)");
  arguments.Value("-o,--output", options.output, "write to a file (default: standard output)");
  arguments
      .Value("--format", options.format,
             "raw; c: a header; disasm, pseudo, dot, svg: for reading; json; oci, firecracker: "
             "for other engines (default: raw)")
      .OneOf({"raw", "c", "disasm", "pseudo", "dot", "svg", "json", "oci", "firecracker"})
      .Called("FORMAT");
  arguments.Values("--arch", options.architectures,
                   "for this architecture instead of the policy's; may be repeated");
  arguments.Flag("--own", options.own,
                 "the policy's own filter, where it stacks others below it: without those");
  arguments.Flag("--stats", options.stats, "say on standard error what the filter costs");
}

bool IsBigEndian(const policy::Syscalls& syscalls) {
  return abi::Info(syscalls.architectures.empty() ? abi::NativeArch() : syscalls.architectures[0])
      .big_endian;
}

nlohmann::ordered_json Instructions(const bpf::Program& program) {
  auto json = nlohmann::ordered_json::array();
  for (const bpf::Instruction& instruction : program.Instructions()) {
    json.push_back({{"code", instruction.code},
                    {"jt", instruction.jt},
                    {"jf", instruction.jf},
                    {"k", instruction.k}});
  }
  return json;
}

std::string Json(const policy::Policy& policy, const bpf::Program& program,
                 const compile::Report& report) {
  nlohmann::ordered_json json;
  json["version"] = 1;
  json["policy"] = policy.name;
  json["byte_order"] = IsBigEndian(policy.syscalls) ? "big" : "little";
  json["longest_path"] = report.longest_path;
  json["architectures"] = nlohmann::ordered_json::array();
  for (const compile::ArchReport& arch : report.architectures) {
    json["architectures"].push_back({{"name", abi::Info(arch.arch).name},
                                     {"calls", arch.calls},
                                     {"allowed", arch.allowed},
                                     {"constant_time", arch.constant},
                                     {"has_bitmap", arch.has_bitmap}});
  }
  json["warnings"] = nlohmann::ordered_json::array();
  for (const compile::Warning& warning : report.warnings) {
    json["warnings"].push_back(
        {{"text", warning.text}, {"where", base::ToString(warning.location)}});
  }
  json["instructions"] = Instructions(program);
  for (const policy::StackedFilter& stacked : policy.syscalls.stack) {
    json["stack"].push_back(
        {{"file", stacked.path}, {"instructions", Instructions(stacked.program)}});
  }
  // Names come from the user's file; what is not UTF-8 in them must not throw.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// Of the policy's decisions, not of the filter's instructions.
base::Result<std::string> Draw(const std::string& format, const policy::Policy& policy) {
  const auto outline = compile::Outline(policy.syscalls);
  if (!outline) return outline.error();
  if (format == "pseudo") return compile::PseudoCode(*outline);
  if (format == "dot") return compile::Dot(*outline, policy.name);
  return compile::Svg(*outline, policy.name);
}

base::Result<std::string> Render(const std::string& format, const policy::Policy& policy,
                                 const bpf::Program& program, const compile::Report& report) {
  const bool big_endian = IsBigEndian(policy.syscalls);
  if (format == "raw") return FilterBytes(program, big_endian);
  if (format == "c") return compile::CHeader(program, policy.name);
  if (format == "disasm") return bpf::Disassemble(program, {.big_endian = big_endian});
  if (format == "json") return Json(policy, program, report);
  if (format == "oci") return compile::ExportOci(policy.syscalls);
  if (format == "firecracker") return compile::ExportFirecracker(policy.syscalls, policy.name);
  return Draw(format, policy);
}

void PrintStats(const compile::Report& report) {
  fmt::print(stderr, "{} instructions, at most {} of them executed\n", report.instructions,
             report.longest_path);
  fmt::print(stderr, "{} of the 32768 instructions of a stack: {} filters like it fit\n",
             report.translated, report.stackable);
  for (const compile::CostReport& cost : report.costliest) {
    const std::string where = base::ToString(cost.location);
    fmt::print(stderr, "{} on {}: {} test{}{}{}\n", cost.call, abi::Info(cost.arch).name,
               cost.tests, cost.tests == 1 ? "" : "s", where.empty() ? "" : ", from ", where);
  }
  for (const compile::ArchReport& arch : report.architectures) {
    fmt::print(stderr, "{}: {} of {} calls allowed, ", abi::Info(arch.arch).name, arch.allowed,
               arch.calls);
    if (arch.has_bitmap) {
      fmt::print(stderr, "{} of these constant-time\n", arch.constant);
    } else {
      fmt::print(stderr, "none constant-time: the kernel keeps no bitmap for it\n");
    }
  }
}

base::Status Write(const std::string& path, const std::string& text) {
  std::FILE* const file = path.empty() ? stdout : std::fopen(path.c_str(), "we");
  const std::string shown = path.empty() ? "standard output" : base::Escape(path);
  if (file == nullptr) return base::SystemError("open " + shown, errno);
  bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  written = (path.empty() ? std::fflush(file) : std::fclose(file)) == 0 && written;
  if (!written) return base::SystemError("write " + shown, errno);
  return {};
}

base::Result<policy::Policy> Import(const CompileOptions& options) {
  const auto text = ReadInput(options.profile, policy::kMaxPolicyBytes + 1);
  if (!text) return text.error();
  const auto archs = ReadArchs(options.architectures);
  if (!archs) return archs.error();
  policy::ImportOptions import = {.format = policy::FindFormat(options.profile_format),
                                  .thread = options.thread,
                                  .capabilities = options.capabilities,
                                  .architectures = *archs};
  return policy::Import(*text, options.profile, import);
}

base::Result<policy::Policy> Read(const CompileOptions& options) {
  if (options.policy.empty() == options.profile.empty()) {
    return base::InvalidInput("read policy: name one, or a profile with --from");
  }
  if (!options.profile.empty()) return Import(options);
  if (!options.profile_format.empty() || !options.thread.empty() || !options.capabilities.empty()) {
    return base::InvalidInput("read policy: --from-format, --thread and --cap belong to --from");
  }
  const auto context = CallerContext();
  if (!context) return context.error();
  return policy::Load(options.policy, *context, {.architectures = options.architectures});
}

// A file of these formats is one filter: what it leaves out is not left out silently.
base::Status CheckOneFilter(const CompileOptions& options, const policy::Syscalls& syscalls) {
  if (syscalls.stack.empty() || options.format == "json") return {};
  base::Error error = base::Unsupported(fmt::format(
      "write filter: the policy stacks {} below its own, and a file of {} has one filter; with "
      "--own it has the policy's own, --format json has all",
      base::Escape(syscalls.stack[0].path), options.format));
  error.location = syscalls.stack[0].location;
  return error;
}

base::Status Compile(const CompileOptions& options) {
  auto policy = Read(options);
  if (!policy) return policy.error();
  if (options.own) policy->syscalls.stack.clear();
  if (const auto one = CheckOneFilter(options, policy->syscalls); !one) return one.error();
  const auto program = compile::Compile(policy->syscalls);
  if (!program) return program.error();
  if (auto fits = compile::CheckStack(policy->syscalls, *program); !fits) return fits.error();
  if (auto kept = prove::ValidateAndKeep(*policy, *program); !kept) return kept.error();
  const auto report = compile::Describe(policy->syscalls, *program);
  if (!report) return report.error();
  for (const compile::Warning& warning : report->warnings) {
    const std::string where = base::ToString(warning.location);
    fmt::print(stderr, "bailey compile: warning: {}{}{}\n", where, where.empty() ? "" : ": ",
               warning.text);
  }
  if (options.stats) PrintStats(*report);
  const auto text = Render(options.format, *policy, *program, *report);
  if (!text) return text.error();
  return Write(options.output, *text);
}

}  // namespace

int RunCompile(int argc, char** argv) {
  CompileOptions options;
  Arguments arguments("compile", kDescription);
  Describe(arguments, options);
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (const auto code = arguments.Read(words, kUsage)) return *code;
  if (options.format == "raw" && options.output.empty() && isatty(STDOUT_FILENO) == 1) {
    return Fail("compile", base::InvalidInput("write filter: standard output is a terminal, and "
                                              "the filter is bytes; redirect it, or --format "
                                              "disasm"));
  }
  if (const auto done = Compile(options); !done) return Fail("compile", done.error());
  return kYes;
}

}  // namespace bailey::cli
