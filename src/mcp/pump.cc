#include "mcp/pump.h"

#include <array>
#include <cerrno>
#include <optional>
#include <span>

#include "os/events.h"

namespace bailey::mcp {
namespace {

constexpr std::size_t kBuffer = 64 << 10;

}  // namespace

Pump::Pump(os::PipeEnds& ends, std::string_view input, Ran& ran)
    : ends_(ends),
      input_(input),
      ran_(ran),
      // Of which only what is filled is touched.
      buffer_(std::make_unique_for_overwrite<char[]>(kBuffer)) {
  if (input_.empty()) ends_.input.Reset();
}

os::SysStatus Pump::UntilClosed() {
  while (ends_.output.IsOpen() || ends_.errors.IsOpen())
    if (const auto done = Step(-1); !done) return std::unexpected(done.error());
  ends_.input.Reset();
  return {};
}

os::SysStatus Pump::UntilReadable(int descriptor) {
  for (;;) {
    const auto readable = Step(descriptor);
    if (!readable) return std::unexpected(readable.error());
    if (*readable) return {};
  }
}

os::SysStatus Pump::TakeTheRest() {
  for (base::UniqueFd* stream : {&ends_.output, &ends_.errors}) {
    while (stream->IsOpen()) {
      const auto read = Read(*stream);
      if (!read) return std::unexpected(read.error());
      if (!*read) stream->Reset();
    }
  }
  ends_.input.Reset();
  return {};
}

os::SysResult<bool> Pump::Step(int line) {
  std::array<os::Interest, 4> interests;
  std::array<base::UniqueFd*, 4> streams = {};
  std::size_t count = 0;
  if (line >= 0) interests[count++] = {line};
  for (base::UniqueFd* stream : {&ends_.output, &ends_.errors, &ends_.input}) {
    if (!stream->IsOpen()) continue;
    streams[count] = stream;
    interests[count++] = {stream->Get(), stream == &ends_.input};
  }
  const auto ready = os::WaitReady(std::span(interests).first(count), std::nullopt);
  if (!ready) return std::unexpected(ready.error());
  base::UniqueFd* const stream = streams[**ready];
  if (!stream) return true;
  if (stream == &ends_.input) {
    Write();
    return false;
  }
  if (const auto read = Read(*stream); !read) return read;
  return false;
}

os::SysResult<bool> Pump::Read(base::UniqueFd& stream) {
  const auto size = os::ReadOnce(stream.Get(), {buffer_.get(), kBuffer});
  if (!size && size.error().value == EAGAIN) return false;
  if (!size) return std::unexpected(size.error());
  Excerpt& excerpt = &stream == &ends_.errors ? ran_.errors : ran_.out;
  excerpt.Add({buffer_.get(), *size});
  if (*size == 0) stream.Reset();
  return *size > 0;
}

void Pump::Write() {
  const auto size = os::PatientWriter::OfOwn(ends_.input.Get()).Write(input_);
  if (!size && size.error().value == EAGAIN) return;
  // A program need not read what it is given.
  if (size) input_.remove_prefix(*size);
  if (!size || input_.empty()) ends_.input.Reset();
}

}  // namespace bailey::mcp
