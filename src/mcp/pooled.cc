#include "mcp/pooled.h"

#include <fmt/format.h>
#include <signal.h>

#include <utility>
#include <variant>

#include "mcp/pump.h"
#include "os/local_socket.h"
#include "os/piped_child.h"

namespace bailey::mcp {
namespace {

// As `bailey run` has it.
constexpr int kNoSandbox = 125;

base::Error Failed(const PooledProgram& program, os::Errno error) {
  return base::SystemError("run " + program.argv[0], error.value);
}

// One who gives up closes the connection, which ends all of the sandbox.
class Watched {
 public:
  Watched(Cancellation& cancellation, const pool::Visit& visit) : cancellation_(cancellation) {
    if (!cancellation_.Watch(visit.Line(), os::ShutDown)) cancellation_.Cancel();
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() { cancellation_.Forget(); }

 private:
  Cancellation& cancellation_;
};

class Follower {
 public:
  Follower(pool::Visit& visit, Pump& pump, const PooledProgram& program, Ran& ran)
      : visit_(visit), pump_(pump), program_(program), ran_(ran) {}

  // False where the program did not run.
  base::Result<bool> Run() {
    for (;;) {
      if (const auto pumped = pump_.UntilReadable(visit_.Line()); !pumped)
        return Failed(program_, pumped.error());
      auto heard = visit_.Listen();
      if (!heard) return heard.error();
      if (std::holds_alternative<pool::Taken>(*heard)) {
        taken_ = true;
        continue;
      }
      const auto did_run = std::visit([this](auto& last) { return End(last); }, *heard);
      if (!did_run) return Failed(program_, did_run.error());
      return *did_run;
    }
  }

 private:
  os::SysResult<bool> End(const pool::NotTaken&) { return false; }
  os::SysResult<bool> End(const pool::Taken&) { return true; }

  os::SysResult<bool> End(const pool::Refused& refused) {
    // A start of one's own says what is wrong, if it is anything but this pool.
    if (!taken_) return false;
    ran_.exit = kNoSandbox;
    ran_.errors.Add(fmt::format("bailey run: {}\n", refused.text));
    return true;
  }

  os::SysResult<bool> End(const pool::Lost&) {
    const auto closed = pump_.UntilClosed();
    if (!closed) return std::unexpected(closed.error());
    ran_.exit = 128 + SIGKILL;
    ran_.errors.Add(
        fmt::format("bailey run: {} was killed: its pool has ended\n", program_.argv[0]));
    return true;
  }

  os::SysResult<bool> End(pool::Ended& ended) {
    const auto taken = pump_.TakeTheRest();
    if (!taken) return std::unexpected(taken.error());
    ran_.exit = ended.exit_status;
    ran_.errors.Add(ended.said);
    ran_.report = std::move(ended.report);
    return true;
  }

  pool::Visit& visit_;
  Pump& pump_;
  const PooledProgram& program_;
  Ran& ran_;
  bool taken_ = false;
};

}  // namespace

base::Result<std::optional<Ran>> RunPooled(const AskPool& ask, const PooledProgram& program,
                                           const RunOptions& options, Cancellation& cancellation) {
  auto pipes = os::MakeProgramPipes(true);
  if (!pipes) return Failed(program, pipes.error());
  auto& given = pipes->given;
  auto visit = ask(program, {given[0].Get(), given[1].Get(), given[2].Get()});
  // A start of one's own finds the same, and says it.
  if (!visit || !visit->IsOpen()) return std::nullopt;
  given = {};
  Ran ran(options.most_output);
  Pump pump(pipes->own, options.input, ran);
  const Watched watched(cancellation, *visit);
  const auto did_run = Follower(*visit, pump, program, ran).Run();
  if (!did_run) return did_run.error();
  if (!*did_run) return std::nullopt;
  return ran;
}

}  // namespace bailey::mcp
