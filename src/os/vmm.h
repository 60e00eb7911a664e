// What a virtual machine needs of its host: memory that is a file, a stream to it, random bytes,
// and how fast the processor counts.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/unique_fd.h"
#include "os/errno.h"

namespace bailey::os {

// From the kernel's generator, all of them.
SysStatus FillRandom(std::span<std::uint8_t> bytes);
// A memfd of this size; what is not written of it takes no memory.
SysResult<base::UniqueFd> MakeMemoryFile(const char* name, std::uint64_t size);
// The same, for Seal.
SysResult<base::UniqueFd> MakeSealableFile(const char* name, std::uint64_t size);
// From here on nobody can write to it or change its size: EBUSY while somebody has it mapped to be
// written.
SysStatus Seal(int fd);
// The same file, opened anew: to be read and not written.
SysResult<base::UniqueFd> OpenForReading(int fd);
// Two connected ends of a stream, closed on execution.
SysResult<std::array<base::UniqueFd, 2>> MakeStreamPair();
// A pipe with a name.
SysStatus MakeFifo(int directory, const char* name, unsigned mode);
// A lock on one byte of a file, as long as the open file lives; the byte need not be there. False
// where another open file has it.
SysResult<bool> TryLockByte(int fd, std::uint64_t offset);
SysStatus Resize(int fd, std::uint64_t size);
// What is executed from here on has it, too.
SysStatus KeepOnExecution(int fd);
// One write(2): as much as is taken at once. EAGAIN where nothing is, EPIPE where nobody reads.
SysResult<std::size_t> WriteSome(int fd, std::span<const std::uint8_t> bytes);
// How often the processor's time stamp counter counts in a millisecond; 0 where there is none.
// Takes ten milliseconds.
std::uint64_t TimeStampKilohertz();
// Of this host, in MiB.
std::uint64_t HostMemory();
struct WindowSize {
  std::uint16_t rows = 0, columns = 0;
};
SysResult<WindowSize> GetWindowSize(int terminal);
// Whether the process that made this one is still this one: asked after DieWithParent.
bool IsChildOf(int pid);

}  // namespace bailey::os
