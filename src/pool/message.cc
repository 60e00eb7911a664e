#include "pool/message.h"

#include <limits>

#include "pool/bytes.h"

namespace bailey::pool {
namespace {

// The first number of a message: what it is. The order is that of the variant.
enum Kind : std::uint64_t { kRequest, kSignal, kTaken, kEnded, kRefused };

// The number of milliseconds, and one more than any for none.
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

struct Encoder {
  Writer writer;

  void operator()(const Request& request) {
    writer.Text(request.key).Texts(request.argv).Texts(request.environment);
    writer.Texts(request.pass).Texts(request.set).Text(request.workdir);
    writer.Number(request.wall ? static_cast<std::uint64_t>(request.wall->count()) : kNoLimit);
    writer.Number(request.report);
  }
  void operator()(const Signal& signal) {
    writer.Number(static_cast<std::uint64_t>(signal.number));
  }
  void operator()(const Taken&) {}
  void operator()(const Ended& ended) {
    writer.Number(static_cast<std::uint64_t>(ended.exit_status))
        .Number(static_cast<std::uint64_t>(ended.signal))
        .Number(static_cast<std::uint64_t>(ended.wall.count()))
        .Number(static_cast<std::uint64_t>(ended.start_up.count()))
        .Number(ended.peak_memory_kib)
        .Text(ended.said)
        .Text(ended.report);
  }
  void operator()(const Refused& refused) {
    writer.Number(static_cast<std::uint64_t>(refused.code)).Text(refused.text);
  }
};

Request ReadRequest(Reader& reader) {
  Request request;
  request.key = reader.Text();
  request.argv = reader.Texts();
  request.environment = reader.Texts();
  request.pass = reader.Texts();
  request.set = reader.Texts();
  request.workdir = reader.Text();
  if (const std::uint64_t wall = reader.Number(); wall < kNoLimit)
    request.wall = std::chrono::milliseconds(static_cast<std::int64_t>(wall));
  request.report = reader.Number() != 0;
  return request;
}

Ended ReadEnded(Reader& reader) {
  Ended ended;
  ended.exit_status = static_cast<int>(reader.Number());
  ended.signal = static_cast<int>(reader.Number());
  ended.wall = std::chrono::microseconds(static_cast<std::int64_t>(reader.Number()));
  ended.start_up = std::chrono::microseconds(static_cast<std::int64_t>(reader.Number()));
  ended.peak_memory_kib = reader.Number();
  ended.said = reader.Text();
  ended.report = reader.Text();
  return ended;
}

Refused ReadRefused(Reader& reader) {
  Refused refused;
  refused.code = static_cast<base::ErrorCode>(reader.Number());
  refused.text = reader.Text();
  return refused;
}

Message ReadMessage(std::uint64_t kind, Reader& reader) {
  if (kind == kRequest) return ReadRequest(reader);
  if (kind == kSignal) return Signal{static_cast<int>(reader.Number())};
  if (kind == kEnded) return ReadEnded(reader);
  if (kind == kRefused) return ReadRefused(reader);
  return Taken{};
}

}  // namespace

std::string Encode(const Message& message) {
  Encoder encoder;
  encoder.writer.Number(message.index());
  std::visit(encoder, message);
  return std::move(encoder.writer).Take();
}

base::Result<Message> Decode(std::string_view bytes) {
  Reader reader(bytes);
  const std::uint64_t kind = reader.Number();
  Message message = ReadMessage(kind, reader);
  if (kind > kRefused || !reader.IsWhole())
    return base::InvalidInput("read a message of a pool: it is not one");
  return message;
}

}  // namespace bailey::pool
