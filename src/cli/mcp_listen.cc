#include "cli/mcp_listen.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/libexec.h"
#include "cli/mcp_server.h"
#include "mcp/http_listen.h"
#include "os/file.h"

namespace bailey::cli {
namespace {

constexpr std::size_t kLeastToken = 16, kMostToken = 4096;

base::Result<std::string> MakeToken(const std::string& path) {
  std::string token = mcp::RandomName() + mcp::RandomName();
  if (path.empty()) return token;
  const auto file = os::Open(AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file) return base::SystemError("make " + path, file.error().value);
  if (const auto written = os::WriteAll(file->Get(), token + "\n"); !written)
    return base::SystemError("write " + path, written.error().value);
  return token;
}

base::Result<std::string> ReadToken(const std::string& path) {
  const auto found = os::Stat(AT_FDCWD, path.c_str(), true);
  if (!found && found.error().value == ENOENT) return MakeToken(path);
  if (!found) return base::SystemError("read " + path, found.error().value);
  constexpr unsigned kOthers = 077;
  if ((found->st_mode & kOthers) != 0)
    return base::Violation(fmt::format("read {}: others than its owner may read it", path));
  const auto text = os::ReadFile(AT_FDCWD, path.c_str(), kMostToken);
  if (!text) return base::SystemError("read " + path, text.error().value);
  const std::string token(base::Trim(text->substr(0, text->find('\n'))));
  const bool plain = std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
  if (token.size() < kLeastToken || !plain) {
    return base::InvalidInput(fmt::format(
        "read {}: a token is {} printable characters or more, without blanks", path, kLeastToken));
  }
  return token;
}

base::Result<std::string> TokenFor(const ListenOptions& options) {
  if (options.no_token && !options.token_file.empty())
    return base::InvalidInput("listen: --token-file and --no-token are both given");
  if (options.no_token && options.anywhere)
    return base::InvalidInput("listen: --listen-anywhere needs a token");
  if (options.no_token) return std::string();
  return options.token_file.empty() ? MakeToken("") : ReadToken(options.token_file);
}

}  // namespace

void Describe(Arguments& arguments, ListenOptions& options) {
  arguments
      .Value("--listen", options.where,
             "speak Streamable HTTP here, instead of on standard input and output; each session is "
             "a server of its own")
      .Called("ADDRESS:PORT|unix:PATH");
  arguments
      .Value("--token-file", options.token_file,
             "the bearer token is this file's first line; made where it is missing")
      .Called("FILE");
  arguments.Flag("--no-token", options.no_token, "clients need no bearer token");
  arguments.Flag("--listen-anywhere", options.anywhere,
                 "the address may be one that other machines reach; nothing is encrypted");
  arguments.Values("--allow-host", options.hosts, "a further Host that requests may name");
  arguments.Values("--allow-origin", options.origins, "a further Origin that requests may have");
  constexpr unsigned kMostSessions = 256;
  arguments.Value("--sessions", options.sessions, "at most so many at the same time (16)")
      .Between(1, kMostSessions);
}

std::vector<std::string> WithoutListening(const std::vector<std::string>& words) {
  return WithoutOptions(
      words, {"--listen", "--token-file", "--allow-host", "--allow-origin", "--sessions"},
      {"--no-token", "--listen-anywhere"});
}

int Listen(const ListenOptions& options, const std::string& command,
           const std::vector<std::string>& words) {
  auto token = TokenFor(options);
  if (!token) return Fail(command, token.error());
  auto bailey = FindBailey();
  if (!bailey) return Fail(command, bailey.error());
  auto listener = mcp::Listener::Open(options.where, options.anywhere);
  if (!listener) return Fail(command, listener.error());
  mcp::ServeHttpOptions serve;
  serve.rules = listener->Rules(options.hosts, options.origins);
  serve.rules.token = *std::move(token);
  serve.limits.sessions = options.sessions;
  serve.command = {*std::move(bailey)};
  serve.command.insert(serve.command.end(), words.begin(), words.end());
  fmt::print("{}\n", listener->Url());
  if (!options.no_token && options.token_file.empty())
    fmt::print("Authorization: Bearer {}\n", serve.rules.token);
  if (std::fflush(stdout) != 0)
    return Fail(command, base::SystemError("write standard output", errno));
  const auto served = mcp::ServeHttp(*std::move(listener), serve);
  if (!served) return Fail(command, served.error());
  return kYes;
}

}  // namespace bailey::cli
