#include "cli/mcp_pool.h"

#include <fcntl.h>

#include <memory>
#include <utility>

#include "cli/pool_recipe.h"
#include "cli/run_prepared.h"
#include "os/file.h"
#include "pool/directory.h"

namespace bailey::cli {
namespace {

class Asker {
 public:
  Asker(std::string bailey, struct stat executable, pool::Request request)
      : bailey_(std::move(bailey)),
        executable_(executable),
        request_(std::move(request)),
        name_(PoolName(request_.key)) {}

  base::Result<pool::Visit> Ask(const mcp::PooledProgram& program,
                                std::array<int, 3> streams) const {
    // Another bailey that was put in its place has pools of its own.
    if (!IsSameExecutable()) return pool::Visit::Of(base::UniqueFd());
    const auto directory = pool::OpenDirectory(false);
    if (!directory) return directory.error();
    pool::Request request = request_;
    request.argv = program.argv;
    if (program.wall) request.wall = program.wall;
    return pool::Visit::Begin(directory->descriptor.Get(), name_, request, streams);
  }

 private:
  bool IsSameExecutable() const {
    const auto now = os::Stat(AT_FDCWD, bailey_.c_str(), true);
    return now && now->st_dev == executable_.st_dev && now->st_ino == executable_.st_ino &&
           now->st_mtim.tv_sec == executable_.st_mtim.tv_sec &&
           now->st_mtim.tv_nsec == executable_.st_mtim.tv_nsec;
  }

  std::string bailey_;
  struct stat executable_;
  pool::Request request_;
  std::string name_;
};

}  // namespace

base::Result<mcp::AskPool> MakeAskPool(const SandboxOptions& options,
                                       const policy::Context& context, const std::string& bailey) {
  const auto executable = os::Stat(AT_FDCWD, bailey.c_str(), true);
  if (!executable) return base::SystemError("look at " + bailey, executable.error().value);
  auto key = PoolKey(options, context, bailey.c_str());
  if (!key) return key.error();
  auto request = PoolRequest(options, *std::move(key), {}, true);
  if (!request) return request.error();
  const auto asker = std::make_shared<const Asker>(bailey, *executable, *std::move(request));
  return [asker](const mcp::PooledProgram& program, std::array<int, 3> streams) {
    return asker->Ask(program, streams);
  };
}

}  // namespace bailey::cli
