#include "network/dns.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.h"

namespace bailey::network {
namespace {

constexpr std::size_t kHeaderSize = 12;
constexpr std::uint16_t kTypeA = 1, kTypeSoa = 6, kTypePtr = 12, kTypeAaaa = 28;
constexpr std::uint16_t kClassInternet = 1;
constexpr std::uint16_t kResponse = 0x8000, kAuthoritative = 0x0400, kRecursionDesired = 0x0100,
                        kRecursionAvailable = 0x0080, kOperation = 0x7800;
constexpr std::uint16_t kFormatError = 1, kNoSuchName = 3, kNotImplemented = 4;
// Addresses of names hold for the life of the sandbox; what is refused may be asked again soon.
constexpr std::uint32_t kAnswerSeconds = 60, kRefusalSeconds = 1;
// The question's name, at its place behind the header (RFC 1035, 4.1.4).
constexpr std::uint16_t kNameOfQuestion = 0xc000 | kHeaderSize;

std::uint16_t Get16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

void Put16(std::vector<std::uint8_t>& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void Put32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  Put16(out, value >> 16);
  Put16(out, value & 0xffff);
}

void PutName(std::vector<std::uint8_t>& out, std::string_view name) {
  for (const std::string_view label : base::Split(name, '.')) {
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
  }
  out.push_back(0);
}

// A name's labels between dots, and where it ends. A compressed name has no place in a question.
struct ReadName {
  std::string text;
  std::size_t end = 0;
  bool odd = false;  // a label holds a dot, which no text could say
};

std::optional<ReadName> NameAt(std::span<const std::uint8_t> bytes, std::size_t at) {
  ReadName name;
  for (;;) {
    if (at >= bytes.size()) return std::nullopt;
    const std::size_t size = bytes[at++];
    if (size == 0) break;
    if (size > 63 || size > bytes.size() - at || name.text.size() + size > 254) return std::nullopt;
    const std::string_view label(reinterpret_cast<const char*>(&bytes[at]), size);
    name.odd |= label.find('.') != std::string_view::npos;
    if (!name.text.empty()) name.text += '.';
    name.text += label;
    at += size;
  }
  name.end = at;
  return name;
}

std::optional<base::Address> ReverseV4(std::string_view labels) {
  std::vector<std::string_view> parts = base::Split(labels, '.');
  if (parts.size() != 4) return std::nullopt;
  std::string text;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part)
    text += (text.empty() ? "" : ".") + std::string(*part);
  return base::ParseAddress(text);
}

std::optional<base::Address> ReverseV6(std::string_view labels) {
  const std::vector<std::string_view> parts = base::Split(labels, '.');
  if (parts.size() != 32) return std::nullopt;
  std::string text;
  for (std::size_t i = parts.size(); i-- > 0;) {
    if (parts[i].size() != 1) return std::nullopt;
    text += parts[i];
    if (i % 4 == 0 && i != 0) text += ':';
  }
  return base::ParseAddress(text);
}

DnsQuestion QuestionOf(const ReadName& name, std::uint16_t type) {
  DnsQuestion question;
  if (name.odd) return question;
  question.host = egress::Host::Parse(name.text);
  if (!question.host) return question;
  const std::string& text = question.host->Text();
  constexpr std::string_view kReverse4 = ".in-addr.arpa", kReverse6 = ".ip6.arpa";
  if (text.ends_with(kReverse4))
    question.address = ReverseV4(std::string_view(text).substr(0, text.size() - kReverse4.size()));
  if (text.ends_with(kReverse6))
    question.address = ReverseV6(std::string_view(text).substr(0, text.size() - kReverse6.size()));
  using Kind = DnsQuestion::Kind;
  if (question.address) {
    question.kind = type == kTypePtr ? Kind::kPointer : Kind::kOtherType;
  } else {
    question.kind = type == kTypeA      ? Kind::kAddress4
                    : type == kTypeAaaa ? Kind::kAddress6
                                        : Kind::kOtherType;
  }
  return question;
}

std::vector<std::uint8_t> Header(const DnsQuery& query, unsigned flags, bool answered,
                                 bool authority) {
  std::vector<std::uint8_t> out;
  Put16(out, query.id);
  Put16(out, kResponse | kAuthoritative | kRecursionAvailable | flags |
                 (query.recursion_desired ? kRecursionDesired : 0u));
  Put16(out, query.question_bytes.empty() ? 0 : 1);
  Put16(out, answered ? 1 : 0);
  Put16(out, authority ? 1 : 0);
  Put16(out, 0);
  out.insert(out.end(), query.question_bytes.begin(), query.question_bytes.end());
  return out;
}

void PutRecord(std::vector<std::uint8_t>& out, std::uint16_t type, std::uint32_t seconds,
               std::span<const std::uint8_t> data) {
  Put16(out, kNameOfQuestion);
  Put16(out, type);
  Put16(out, kClassInternet);
  Put32(out, seconds);
  Put16(out, static_cast<unsigned>(data.size()));
  out.insert(out.end(), data.begin(), data.end());
}

// With it a resolver knows that "no" is an answer, and for how long (RFC 2308).
std::vector<std::uint8_t> Authority() {
  std::vector<std::uint8_t> data;
  PutName(data, "gateway.bailey");
  PutName(data, "nobody.bailey");
  for (const std::uint32_t number : {1u, 60u, 60u, 60u, kRefusalSeconds}) Put32(data, number);
  return data;
}

}  // namespace

DnsRead ReadDns(std::span<const std::uint8_t> message) {
  DnsRead read;
  if (message.size() < kHeaderSize) return read;
  const std::uint16_t flags = Get16(message, 2);
  if (flags & kResponse) return read;
  read.query.id = Get16(message, 0);
  read.query.recursion_desired = flags & kRecursionDesired;
  read.kind = DnsRead::Kind::kNotImplemented;
  if (flags & kOperation) return read;
  read.kind = DnsRead::Kind::kFormatError;
  if (Get16(message, 4) != 1) return read;
  const auto name = NameAt(message, kHeaderSize);
  if (!name || message.size() - name->end < 4) return read;
  const auto question = message.subspan(kHeaderSize, name->end + 4 - kHeaderSize);
  read.query.question_bytes.assign(question.begin(), question.end());
  read.kind = DnsRead::Kind::kNotImplemented;
  if (Get16(message, name->end + 2) != kClassInternet) return read;
  read.kind = DnsRead::Kind::kQuery;
  read.query.question = QuestionOf(*name, Get16(message, name->end));
  return read;
}

std::vector<std::uint8_t> WriteDns(const DnsQuery& query, const DnsAnswer& answer) {
  using Kind = DnsAnswer::Kind;
  const bool found = answer.kind == Kind::kAddress || answer.kind == Kind::kPointer;
  auto out = Header(query, answer.kind == Kind::kNoSuchName ? kNoSuchName : 0, found, !found);
  if (answer.kind == Kind::kAddress && answer.address) {
    PutRecord(out, answer.address->IsV6() ? kTypeAaaa : kTypeA, kAnswerSeconds,
              answer.address->Bytes());
  } else if (answer.kind == Kind::kPointer && answer.name) {
    std::vector<std::uint8_t> data;
    PutName(data, answer.name->Text());
    PutRecord(out, kTypePtr, kAnswerSeconds, data);
  } else {
    PutRecord(out, kTypeSoa, kRefusalSeconds, Authority());
  }
  return out;
}

std::vector<std::uint8_t> WriteDnsError(const DnsRead& read) {
  return Header(read.query,
                read.kind == DnsRead::Kind::kFormatError ? kFormatError : kNotImplemented, false,
                false);
}

}  // namespace bailey::network
