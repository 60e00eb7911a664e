// Streamable HTTP on a socket: bytes of clients are read in a process of its own, which holds
// nothing but its descriptors; this one starts servers for it.
//
//   auto listener = Listener::Open("127.0.0.1:0", false);
//   Print(listener->Url());
//   ServeHttp(*std::move(listener), options);          // until a signal
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "mcp/http_admission.h"
#include "mcp/http_front.h"

namespace bailey::mcp {

class Listener {
 public:
  // "127.0.0.1:8931", "[::1]:0", "localhost:80", "unix:/run/user/1000/mcp". Of addresses that other
  // machines reach only with `anywhere`.
  static base::Result<Listener> Open(std::string_view where, bool anywhere);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();  // its path is gone then

  // "http://127.0.0.1:8931/mcp"; "unix:PATH" for a path.
  const std::string& Url() const { return url_; }
  HttpRules Rules(std::vector<std::string> more_hosts, std::vector<std::string> more_origins) const;
  int Socket() const { return socket_.Get(); }

 private:
  Listener() = default;
  base::UniqueFd socket_;
  std::string url_, host_, path_;
  std::uint16_t port_ = 0;
};

struct ServeHttpOptions {
  HttpRules rules;
  HttpFrontLimits limits;
  std::vector<std::string> command;  // a server over standard input and output
};

// Blocks until a signal asks for the end; then every server has ended.
base::Status ServeHttp(Listener listener, const ServeHttpOptions& options);

// 128 bits that nobody can guess, in hexadecimal.
std::string RandomName();

}  // namespace bailey::mcp
