// What an agent did, one JSON object a line (docs/schemas/transcript.schema.json): written as it
// happens, so that a run that was killed can go on, and one that ended can be looked at and run
// again without its model.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/chat.h"
#include "agent/turn.h"
#include "base/result.h"

namespace bailey::agent {

// How a call of a tool ended.
enum class CallEnd {
  kDone,
  kError,    // the tool says so
  kInvalid,  // nothing was run: no such tool, or its arguments are not of its schema
  kUnknown,  // its server was lost, or the agent was killed meanwhile
};
std::string_view ToString(CallEnd end);

struct Started {
  std::string goal, model, system;
  std::vector<std::string> tools;
};
struct Called {
  std::string id, tool;
  CallEnd end = CallEnd::kDone;
  std::string text;  // as the model is told
};
// Why the agent went no further.
struct Ended {
  std::string why;
};
using Entry = std::variant<Started, Turn, Called, Ended>;

class Transcript {
 public:
  // Makes a file that only its user may read; an existing one is an error. Or goes on with one.
  static base::Result<Transcript> Create(const std::string& path);
  static base::Result<Transcript> Append(const std::string& path);
  base::Status Add(const Entry& entry);
  const std::string& Path() const { return path_; }

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  Transcript(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
};

std::string ToJsonLine(const Entry& entry);
// The last line may be half a one: the agent was killed while it wrote. Errors name file and line.
base::Result<std::vector<Entry>> ReadTranscript(std::string_view text, std::string_view file);

// What the model is to be told so that it goes on where the transcript ends. A call whose end is
// not there is said to have an unknown one: it is not made again.
std::vector<Message> MessagesOf(const std::vector<Entry>& entries);

}  // namespace bailey::agent
