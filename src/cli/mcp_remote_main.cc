// libexec/bailey/bailey-mcp-remote: stands for a remote MCP server on standard input and output. It
// is started by `bailey mcp wrap URL`, reads what the network says, and can do little else.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/libexec.h"
#include "mcp/remote.h"
#include "os/confine.h"
#include "os/file.h"
#include "os/landlock.h"

namespace bailey::cli {
namespace {

constexpr std::size_t kMostFields = 64 << 10;
// Names and certificates of servers, and the libraries that look them up.
constexpr std::array kReadable = {
    "/etc",           "/lib",       "/lib64",     "/usr/lib",
    "/usr/lib64",     "/usr/share", "/usr/local", "/run/systemd/resolve",
    "/run/resolvconf"};

int FailRemote(const base::Error& error) { return Fail("mcp wrap", error); }

base::Result<std::vector<std::string>> ReadFields(const std::string& path) {
  const auto text = os::ReadFile(AT_FDCWD, path.c_str(), kMostFields);
  if (!text) return base::SystemError("read " + path, text.error().value);
  std::vector<std::string> fields;
  for (const std::string_view line : base::Split(*text, '\n')) {
    const std::string_view field = base::Trim(line);
    if (field.empty()) continue;
    const auto shown = [](char c) { return c >= ' ' && c <= '~'; };
    if (field.find(':') == std::string_view::npos || !std::ranges::all_of(field, shown))
      return base::InvalidInput(fmt::format("read {}: a line is not \"Name: value\"", path));
    fields.emplace_back(field);
  }
  return fields;
}

base::Result<std::string> ReadBearer(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (!value || *value == '\0')
    return base::InvalidInput(fmt::format("read {}: it is not set", name));
  const auto plain = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::ranges::all_of(std::string_view(value), plain))
    return base::InvalidInput(fmt::format("read {}: it is no token", name));
  return fmt::format("Authorization: Bearer {}", value);
}

int RunMcpRemote(int argc, char** argv) {
  Arguments arguments("mcp wrap", "Stands for a remote server; `bailey mcp wrap URL` starts it.");
  std::string url, header_file, bearer, authorities, limit = "64MiB";
  arguments.Value("URL", url, "where the server is").Required();
  arguments.Value("--header-file", header_file, "fields of every request");
  arguments.Value("--bearer-env", bearer, "a variable with the bearer token");
  arguments.Value("--ca-file", authorities, "certificates");
  arguments.Value("--result-limit", limit, "the longest message");
  if (const auto code = arguments.Read({argv + 1, argv + argc}, kUsage)) return *code;
  if (const auto checked = mcp::CheckUrl(url); !checked) return FailRemote(checked.error());
  const auto most = base::ParseSize(limit);
  if (!most) return FailRemote(base::InvalidInput("read --result-limit: " + most.error().text));
  // The gateway, which is nearer to the client, says what is too long.
  constexpr std::size_t kBeyond = 1 << 20;
  mcp::RemoteOptions options = {.url = url, .authorities = authorities, .most = *most + kBeyond};
  options.note = [](const std::string& note) { fmt::print(stderr, "bailey mcp wrap: {}\n", note); };
  if (!header_file.empty()) {
    auto fields = ReadFields(header_file);
    if (!fields) return FailRemote(fields.error());
    options.fields = *std::move(fields);
  }
  if (!bearer.empty()) {
    auto field = ReadBearer(bearer);
    if (!field) return FailRemote(field.error());
    options.fields.push_back(*std::move(field));
  }
  std::vector<const char*> readable(kReadable.begin(), kReadable.end());
  if (!authorities.empty()) readable.push_back(authorities.c_str());
  if (const auto confined = os::ConfineToReading(os::LandlockAbi().has_value(), readable);
      !confined)
    return FailRemote(base::SystemError("confine the remote's reader", confined.error().value));
  const auto done = mcp::RunRemote(options, 0, 1);
  if (!done) return FailRemote(done.error());
  return kYes;
}

}  // namespace
}  // namespace bailey::cli

int main(int argc, char** argv) {
  return bailey::cli::MainOfLibexec(argc, argv, bailey::cli::RunMcpRemote);
}
