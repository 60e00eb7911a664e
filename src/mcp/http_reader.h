// The requests of one HTTP/1.1 connection, as their bytes come: bounded in every part, and read so
// that no two readers can see different requests in them.
//
//   HttpReader reader(limits);
//   reader.Take(bytes);
//   if (const HttpHead* head = reader.Head()) Admit(*head);     // before its body is taken
//   reader.WantBody();
//   if (reader.IsWhole()) Answer(reader.Body()), reader.Next();  // bytes of the next one are kept
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/http_fault.h"

namespace bailey::mcp {

struct HttpLimits {
  std::size_t head = 16u << 10;
  std::size_t body = 4u << 20;
};

// Of its fields, those that matter here; a field that may stand there once and comes twice is a
// fault of the request.
struct HttpHead {
  std::string method, target;
  std::optional<std::string> host, origin, authorization;
  std::string content_type, accept;
  std::optional<std::string> session, version, last_event, rpc_method, rpc_name;
  bool keep_alive = true;
  bool expects_continue = false;
};

class HttpReader {
 public:
  explicit HttpReader(const HttpLimits& limits);
  HttpReader(HttpReader&&) noexcept;
  HttpReader& operator=(HttpReader&&) noexcept;
  ~HttpReader();

  void Take(std::string_view bytes);
  // The request's, once it is there; null before that.
  const HttpHead* Head() const;
  // From now on its body is read, which before that is only kept.
  void WantBody();
  bool IsWhole() const;
  std::string& Body();
  // What is wrong with it; nothing can be read after that.
  const std::optional<HttpFault>& Fault() const;
  // A byte of a request has come that is not whole.
  bool IsInside() const;
  // After a whole request: the next one.
  void Next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bailey::mcp
