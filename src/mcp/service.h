// bailey as a server of the protocol: requests in, answers out, in both eras of it.
//
//   Service service({.name = "bailey", .version = "1"}, std::move(tools));
//   Serve(service, 0, 1);                              // until the client closes its end
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mcp/scanner.h"
#include "os/errno.h"

namespace bailey::mcp {

// A call that its caller may give up.
class Cancellation {
 public:
  using Stop = os::SysStatus (*)(int descriptor);
  // How what runs for it is ended then. False where it was given up already.
  bool Watch(int descriptor, Stop stop);
  // Before the descriptor is closed.
  void Forget();
  void Cancel();

 private:
  std::mutex mutex_;
  bool cancelled_ = false;
  int descriptor_ = -1;
  Stop stop_ = nullptr;
};

struct ToolResult {
  std::string text;        // for a model
  std::string structured;  // a JSON object on one line, or empty
  bool is_error = false;
};

struct ServedTool {
  std::string name;
  std::string definition;  // the whole JSON object, as tools/list gives it
  // `arguments`: JSON that is of the definition's inputSchema. From several threads at once.
  std::function<ToolResult(const std::string& arguments, Cancellation& cancellation)> call;
};

struct ServiceInfo {
  std::string name, version, instructions;
};

class Service {
 public:
  Service(ServiceInfo info, std::vector<ServedTool> tools);
  ~Service();

  // The answer to one message, with its newline; empty where it has none. `line`: without a
  // scanner's fault. From several threads at once.
  std::string Answer(const std::string& line, Cancellation& cancellation);
  std::string Answer(const std::string& line);
  // A call that is about to be answered, and may be given up from now on; nothing where its id is
  // in use.
  std::shared_ptr<Cancellation> Begin(const Id& id);
  void End(const Id& id);
  // Every call that has begun, when the client is gone.
  void CancelAll();

 private:
  struct Tools;

  void Cancel(const std::string& line);

  ServiceInfo info_;
  std::unique_ptr<Tools> tools_;
  std::mutex mutex_;
  std::map<Id, std::shared_ptr<Cancellation>> running_;
};

// Reads from one descriptor and writes to the other, calls of tools side by side (at most 16).
// `interrupted` is called before a signal ends the process, on a thread of its own.
base::Status Serve(Service& service, int from, int to, std::function<void()> interrupted);

}  // namespace bailey::mcp
