// What goes into a program and what comes out of it, while its end is waited for.
#pragma once

#include <memory>
#include <string_view>

#include "mcp/command.h"
#include "os/errno.h"
#include "os/piped_child.h"

namespace bailey::mcp {

class Pump {
 public:
  // All of these outlive it.
  Pump(os::PipeEnds& ends, std::string_view input, Ran& ran);
  // Whoever could write to its streams has closed them.
  os::SysStatus UntilClosed();
  // The descriptor can be read.
  os::SysStatus UntilReadable(int descriptor);
  // Nobody writes any more, whoever has the streams open.
  os::SysStatus TakeTheRest();

 private:
  // True when `line` can be read, which may be -1.
  os::SysResult<bool> Step(int line);
  // False when there is nothing more, for now or for ever.
  os::SysResult<bool> Read(base::UniqueFd& stream);
  void Write();

  os::PipeEnds& ends_;
  std::string_view input_;
  Ran& ran_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace bailey::mcp
