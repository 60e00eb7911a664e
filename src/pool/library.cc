// The public face of the caller's side: only translates.
#include <fmt/format.h>

#include <utility>

#include "bailey/pool.h"
#include "pool/client.h"
#include "pool/directory.h"

namespace bailey {
namespace {

std::unexpected<std::string> Fail(const base::Error& error) {
  return std::unexpected(base::ToString(error));
}

// A Visit for as long as it is asked for something; the descriptor stays its owner's.
class Borrowed {
 public:
  explicit Borrowed(const Descriptor& connection)
      : visit_(pool::Visit::Of(base::UniqueFd(connection.Number()))) {}
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed() { (void)std::move(visit_).Release(); }
  pool::Visit& operator*() { return visit_; }

 private:
  pool::Visit visit_;
};

ProgramResult Translate(pool::Ended&& ended) {
  ProgramResult result;
  result.exit_status = ended.exit_status;
  result.signal = ended.signal;
  result.time = ended.wall;
  result.peak_memory_kib = ended.peak_memory_kib;
  result.said = std::move(ended.said);
  return result;
}

}  // namespace

Expected<ProgramResult> Running::Wait() {
  Borrowed visit(connection_);
  for (;;) {
    auto heard = (*visit).Listen();
    if (!heard) return Fail(heard.error());
    if (std::holds_alternative<pool::NotTaken>(*heard))
      return std::unexpected(
          fmt::format("start {}: the pool has ended, and the program did not run", name_));
    if (const auto* const refused = std::get_if<pool::Refused>(&*heard))
      return std::unexpected(refused->text);
    if (auto* const ended = std::get_if<pool::Ended>(&*heard)) return Translate(std::move(*ended));
    if (std::holds_alternative<pool::Lost>(*heard)) {
      ProgramResult result;
      result.exit_status = 128 + 9;
      result.signal = 9;
      result.said = fmt::format("{} was killed: its pool has ended\n", name_);
      return result;
    }
  }
}

Expected<void> Running::Signal(int number) const {
  Borrowed visit(connection_);
  if (const auto sent = (*visit).Send(pool::Signal{number}); !sent) return Fail(sent.error());
  return {};
}

Expected<Pool> Pool::Open(std::string_view path) {
  auto place = pool::OpenPlace(std::string(path));
  if (!place) return Fail(place.error());
  return Pool(Descriptor(place->directory.Release()), std::move(place->name));
}

Expected<Running> Pool::Start(const Program& program) const {
  if (program.arguments.empty()) return std::unexpected("start program: none is named");
  pool::Request request;
  request.argv = program.arguments;
  request.environment = program.environment;
  request.workdir = program.directory;
  request.wall = program.time_limit;
  auto visit = pool::Visit::Begin(directory_.Number(), name_, request, program.streams);
  if (!visit) return Fail(visit.error());
  if (!visit->IsOpen())
    return std::unexpected(
        fmt::format("start {}: there is no pool {}", program.arguments[0], name_));
  return Running(Descriptor(std::move(*visit).Release()), program.arguments[0]);
}

Expected<ProgramResult> Pool::Run(const Program& program) const {
  auto running = Start(program);
  if (!running) return std::unexpected(running.error());
  return running->Wait();
}

}  // namespace bailey
