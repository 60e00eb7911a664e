#include "cli/input.h"

#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/text.h"

namespace bailey::cli {
namespace {

struct Closer {
  void operator()(std::FILE* file) const {
    if (file != stdin) (void)std::fclose(file);  // nothing was written
  }
};

}  // namespace

base::Result<std::string> ReadInput(const std::string& path, std::size_t limit) {
  const std::string shown = path == "-" ? "standard input" : base::Escape(path);
  const std::unique_ptr<std::FILE, Closer> file(path == "-" ? stdin
                                                            : std::fopen(path.c_str(), "re"));
  if (!file) return base::SystemError("open " + shown, errno);
  std::string bytes(limit, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  if (std::ferror(file.get()) != 0) return base::SystemError("read " + shown, errno);
  return bytes;
}

}  // namespace bailey::cli
