#include "network/name_service.h"

#include <algorithm>

#include "os/inet.h"

namespace bailey::network {
namespace {

constexpr int kFairShare = 64;
// More questions at once are passed over; resolvers ask again.
constexpr std::size_t kMostWaiting = 4096;
constexpr std::size_t kMostStreamOut = 1 << 20;

Wire QuestionFor(const DnsQuestion& question) {
  Wire wire;
  wire.kind = WireKind::kQuestion;
  wire.what = static_cast<std::uint8_t>(question.kind);
  if (question.host) wire.SetText(question.host->Text());
  if (question.address) wire.address = WireAddress(*question.address);
  return wire;
}

void Append(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> message) {
  out.push_back(static_cast<std::uint8_t>(message.size() >> 8));
  out.push_back(static_cast<std::uint8_t>(message.size()));
  out.insert(out.end(), message.begin(), message.end());
}

}  // namespace

std::vector<std::uint8_t> NameService::Take(std::span<const std::uint8_t> message,
                                            const base::Endpoint& from, std::uint64_t stream) {
  DnsRead read = ReadDns(message);
  if (read.kind == DnsRead::Kind::kSilence) return {};
  if (read.kind != DnsRead::Kind::kQuery) return WriteDnsError(read);
  if (waiting_.size() >= kMostWaiting) return {};
  Wire wire = QuestionFor(read.query.question);
  wire.id = next_++;
  waiting_[wire.id] = {std::move(read.query), from, stream};
  ask_(wire);
  return {};
}

void NameService::ReadDatagrams(std::span<std::uint8_t> scratch) {
  for (int i = 0; i < kFairShare; ++i) {
    const auto datagram = os::ReceiveDatagram(udp_, scratch);
    if (!datagram) return;
    const auto answer = Take(scratch.first(datagram->size), datagram->from, 0);
    // Whoever asks and does not wait for the answer has none.
    if (!answer.empty()) (void)os::SendDatagram(udp_, answer, datagram->from);
  }
}

bool NameService::Serve(std::uint64_t id, DnsStream& stream, std::span<std::uint8_t> scratch) {
  for (int i = 0; i < kFairShare && !stream.ended; ++i) {
    const auto size = os::Read(stream.socket.Get(), scratch);
    if (!size && size.error().value != EAGAIN) return false;
    if (!size) break;
    stream.ended = *size == 0;
    stream.in.insert(stream.in.end(), scratch.begin(),
                     scratch.begin() + static_cast<std::ptrdiff_t>(*size));
    while (stream.in.size() >= 2) {
      const std::size_t length = static_cast<std::size_t>(stream.in[0] << 8 | stream.in[1]);
      if (stream.in.size() < 2 + length) break;
      const std::uint64_t before = next_;
      const auto answer = Take(std::span(stream.in).subspan(2, length), {}, id);
      if (!answer.empty()) Append(stream.out, answer);
      stream.asked += next_ - before;
      stream.in.erase(stream.in.begin(),
                      stream.in.begin() + static_cast<std::ptrdiff_t>(2 + length));
    }
    if (stream.out.size() > kMostStreamOut) return false;
  }
  while (!stream.out.empty()) {
    const auto size = os::Write(stream.socket.Get(), stream.out);
    if (!size && size.error().value == EAGAIN) return true;
    if (!size) return false;
    stream.out.erase(stream.out.begin(), stream.out.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  return !stream.ended || stream.asked > 0;
}

DnsStream* NameService::Answer(const Wire& answer,
                               std::unordered_map<std::uint64_t, DnsStream>& streams) {
  const auto found = waiting_.find(answer.id);
  if (found == waiting_.end()) return nullptr;
  const Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  DnsAnswer said;
  said.kind = static_cast<DnsAnswer::Kind>(answer.verdict);
  said.address = answer.address.Get();
  said.name = egress::Host::Parse(answer.Text());
  const auto bytes = WriteDns(waiting.query, said);
  if (waiting.stream == 0) {
    (void)os::SendDatagram(udp_, bytes, waiting.from);
    return nullptr;
  }
  const auto stream = streams.find(waiting.stream);
  if (stream == streams.end()) return nullptr;
  --stream->second.asked;
  Append(stream->second.out, bytes);
  return &stream->second;
}

}  // namespace bailey::network
