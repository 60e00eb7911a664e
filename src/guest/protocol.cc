#include "guest/protocol.h"

#include <cstring>

#include "abi/sends.h"

namespace bailey::guest {
namespace {

template <class T>
void Store(std::uint8_t* to, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

template <class T>
T Fetch(const std::uint8_t* from) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | static_cast<T>(static_cast<T>(from[i]) << (8 * i)));
  return value;
}

class Writer {
 public:
  Writer(FrameType type, std::span<std::uint8_t> room)
      : room_(room.size() > kMostFrame ? room.first(kMostFrame) : room) {
    Put<std::uint32_t>(0);
    Put(static_cast<std::uint8_t>(type));
  }

  template <class T>
  Writer& Put(T value) {
    if (std::uint8_t* const to = Take(sizeof(T))) Store(to, value);
    return *this;
  }
  Writer& PutBytes(std::span<const std::uint8_t> bytes) {
    std::uint8_t* const to = Take(bytes.size());
    if (to && !bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return *this;
  }
  Writer& PutText(std::string_view text) {
    Put(static_cast<std::uint32_t>(text.size()));
    return PutBytes({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  Writer& PutData(const bpf::SeccompData& data) {
    Put(data.nr).Put(data.arch).Put(data.instruction_pointer);
    for (const std::uint64_t argument : data.args) Put(argument);
    return *this;
  }
  std::span<const std::uint8_t> Finish() {
    if (!fits_) return {};
    Store(room_.data(), static_cast<std::uint32_t>(size_ - kHeaderSize));
    return room_.first(size_);
  }

 private:
  std::uint8_t* Take(std::size_t count) {
    if (!fits_ || count > room_.size() - size_) {
      fits_ = false;
      return nullptr;
    }
    std::uint8_t* const at = room_.data() + size_;
    size_ += count;
    return at;
  }

  std::span<std::uint8_t> room_;
  std::size_t size_ = 0;
  bool fits_ = true;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> body) : body_(body) {}

  template <class T>
  Reader& Get(T& value) {
    if (const std::uint8_t* const from = Take(sizeof(T))) value = Fetch<T>(from);
    return *this;
  }
  Reader& GetBytes(std::span<std::uint8_t> bytes) {
    if (const std::uint8_t* const from = Take(bytes.size()))
      std::memcpy(bytes.data(), from, bytes.size());
    return *this;
  }
  Reader& GetText(std::string_view& text) {
    std::uint32_t size = 0;
    Get(size);
    if (const std::uint8_t* const from = Take(size))
      text = {reinterpret_cast<const char*>(from), size};
    return *this;
  }
  Reader& GetData(bpf::SeccompData& data) {
    Get(data.nr).Get(data.arch).Get(data.instruction_pointer);
    for (std::uint64_t& argument : data.args) Get(argument);
    return *this;
  }
  template <class E>
  Reader& GetEnum(E& value) {
    std::uint8_t number = 0;
    Get(number);
    if (number > static_cast<std::uint8_t>(E::kMost)) good_ = false;
    if (good_) value = static_cast<E>(number);
    return *this;
  }
  bool IsWhole() const { return good_ && at_ == body_.size(); }

 private:
  const std::uint8_t* Take(std::size_t count) {
    if (!good_ || count > body_.size() - at_) {
      good_ = false;
      return nullptr;
    }
    const std::uint8_t* const from = body_.data() + at_;
    at_ += count;
    return from;
  }

  std::span<const std::uint8_t> body_;
  std::size_t at_ = 0;
  bool good_ = true;
};

}  // namespace

std::span<const std::uint8_t> Encode(FrameType type, std::span<const std::uint8_t> body,
                                     std::span<std::uint8_t> room) {
  return Writer(type, room).PutBytes(body).Finish();
}

std::span<const std::uint8_t> Encode(const Welcome& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kWelcome, room)
      .Put(value.version)
      .PutBytes(value.token)
      .PutBytes(value.seed)
      .Put(value.seconds)
      .Put(value.nanoseconds)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Hello& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kHello, room)
      .Put(value.version)
      .PutBytes(value.token)
      .Put(value.landlock)
      .PutText(value.kernel)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Grant& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kGrant, room).Put(value.rights).PutText(value.path).Finish();
}

std::span<const std::uint8_t> Encode(const Limit& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kLimit, room).Put(value.resource).Put(value.value).Finish();
}

std::span<const std::uint8_t> Encode(const Mount& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kMount, room)
      .Put(static_cast<std::uint8_t>(value.kind))
      .Put(value.size)
      .PutText(value.drive)
      .PutText(value.path)
      .PutText(value.name)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Start& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kStart, room)
      .Put(value.uid)
      .Put(value.gid)
      .Put(value.landlock)
      .Put(value.memory)
      .Put(value.processes)
      .Put(value.terminal)
      .PutText(value.workdir)
      .PutText(value.hostname)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Forget& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kForget, room).Put(value.commands).Put(value.alike).Finish();
}

std::span<const std::uint8_t> Encode(const Window& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kWindow, room).Put(value.rows).Put(value.columns).Finish();
}

std::span<const std::uint8_t> Encode(const Ended& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kEnded, room)
      .Put(value.status)
      .Put(value.memory_kill)
      .Put(value.user_us)
      .Put(value.system_us)
      .Put(value.peak_kib)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Failed& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kFailed, room)
      .Put(static_cast<std::uint8_t>(value.step))
      .Put(value.error)
      .PutText(value.object)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Collected& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kCollected, room)
      .Put(value.bytes)
      .Put(value.entries)
      .Put(value.left)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Listen& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kListen, room).Put(value.rate).Put(value.burst).Finish();
}

std::span<const std::uint8_t> Encode(const Watch& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kWatch, room)
      .Put(value.arch)
      .Put(value.number)
      .Put(value.low)
      .Put(value.high)
      .Put(value.bits)
      .Put(value.paths)
      .Put(value.address)
      .Put(value.size)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Naming& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kNaming, room)
      .Put(value.arch)
      .Put(value.number)
      .Put(value.path)
      .Put(value.directory)
      .Put(value.flags)
      .Put(value.writes)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Sending& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kSending, room)
      .Put(value.arch)
      .Put(value.number)
      .Put(value.form)
      .Put(value.pointer)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Network& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kNetwork, room)
      .Put(value.address)
      .Put(value.gateway)
      .PutBytes(value.gateway_link)
      .Put(value.has_ipv6)
      .PutBytes(value.address6)
      .PutBytes(value.gateway6)
      .PutBytes(value.probe6)
      .PutBytes(value.refused6)
      .Put(value.probe)
      .Put(value.refused)
      .Put(value.probe_port)
      .Put(value.refused_port)
      .Put(value.resets)
      .PutText(value.name)
      .PutText(value.refused_name)
      .PutText(value.text)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Called& value, std::span<std::uint8_t> room) {
  Writer writer(FrameType::kCalled, room);
  writer.PutData(value.data).Put(value.process).PutText(value.executable);
  for (const Called::Text& text : value.texts) writer.Put(text.slot).PutText(text.bytes);
  return writer.Finish();
}

std::span<const std::uint8_t> Encode(const Used& value, std::span<std::uint8_t> room) {
  Writer writer(FrameType::kUsed, room);
  writer.PutData(value.data).Put(value.process).PutText(value.executable);
  for (const Used::Name& name : value.names)
    writer.Put(name.slot).Put(name.is_there).PutText(name.path);
  return writer.Finish();
}

std::span<const std::uint8_t> Encode(const Sent& value, std::span<std::uint8_t> room) {
  Writer writer(FrameType::kSent, room);
  writer.PutData(value.data).Put(value.process).PutText(value.executable).Put(value.protocol);
  for (const std::uint16_t type : value.types) writer.Put(type);
  return writer.Put(value.count).Put(value.is_more).Put(value.has_power).Finish();
}

std::span<const std::uint8_t> Encode(const Denied& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kDenied, room)
      .Put(value.row)
      .Put(value.rest)
      .Put(value.count)
      .PutData(value.data)
      .Finish();
}

std::span<const std::uint8_t> Encode(const Missed& value, std::span<std::uint8_t> room) {
  return Writer(FrameType::kMissed, room).Put(value.dropped).Put(value.unanswered).Finish();
}

std::span<const std::uint8_t> Encode(FrameType type, Number value, std::span<std::uint8_t> room) {
  return Writer(type, room).Put(value.value).Finish();
}

bool Decode(std::span<const std::uint8_t> body, Welcome& value) {
  return Reader(body)
      .Get(value.version)
      .GetBytes(value.token)
      .GetBytes(value.seed)
      .Get(value.seconds)
      .Get(value.nanoseconds)
      .IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Hello& value) {
  return Reader(body)
      .Get(value.version)
      .GetBytes(value.token)
      .Get(value.landlock)
      .GetText(value.kernel)
      .IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Grant& value) {
  return Reader(body).Get(value.rights).GetText(value.path).IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Limit& value) {
  return Reader(body).Get(value.resource).Get(value.value).IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Mount& value) {
  return Reader(body)
      .GetEnum(value.kind)
      .Get(value.size)
      .GetText(value.drive)
      .GetText(value.path)
      .GetText(value.name)
      .IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Start& value) {
  return Reader(body)
      .Get(value.uid)
      .Get(value.gid)
      .Get(value.landlock)
      .Get(value.memory)
      .Get(value.processes)
      .Get(value.terminal)
      .GetText(value.workdir)
      .GetText(value.hostname)
      .IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Window& value) {
  return Reader(body).Get(value.rows).Get(value.columns).IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Forget& value) {
  return Reader(body).Get(value.commands).Get(value.alike).IsWhole() &&
         (value.commands == 1 || value.commands == 2) && value.alike <= 1;
}

bool Decode(std::span<const std::uint8_t> body, Number& value) {
  return Reader(body).Get(value.value).IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Ended& value) {
  return Reader(body)
      .Get(value.status)
      .Get(value.memory_kill)
      .Get(value.user_us)
      .Get(value.system_us)
      .Get(value.peak_kib)
      .IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Failed& value) {
  return Reader(body).GetEnum(value.step).Get(value.error).GetText(value.object).IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Collected& value) {
  return Reader(body).Get(value.bytes).Get(value.entries).Get(value.left).IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Listen& value) {
  return Reader(body).Get(value.rate).Get(value.burst).IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Watch& value) {
  return Reader(body)
      .Get(value.arch)
      .Get(value.number)
      .Get(value.low)
      .Get(value.high)
      .Get(value.bits)
      .Get(value.paths)
      .Get(value.address)
      .Get(value.size)
      .IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Naming& value) {
  return Reader(body)
      .Get(value.arch)
      .Get(value.number)
      .Get(value.path)
      .Get(value.directory)
      .Get(value.flags)
      .Get(value.writes)
      .IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Sending& value) {
  return Reader(body)
             .Get(value.arch)
             .Get(value.number)
             .Get(value.form)
             .Get(value.pointer)
             .IsWhole() &&
         value.form <= static_cast<std::uint8_t>(abi::SendForm::kMultiplexed) &&
         (value.pointer == 4 || value.pointer == 8);
}

bool Decode(std::span<const std::uint8_t> body, Network& value) {
  return Reader(body)
      .Get(value.address)
      .Get(value.gateway)
      .GetBytes(value.gateway_link)
      .Get(value.has_ipv6)
      .GetBytes(value.address6)
      .GetBytes(value.gateway6)
      .GetBytes(value.probe6)
      .GetBytes(value.refused6)
      .Get(value.probe)
      .Get(value.refused)
      .Get(value.probe_port)
      .Get(value.refused_port)
      .Get(value.resets)
      .GetText(value.name)
      .GetText(value.refused_name)
      .GetText(value.text)
      .IsWhole();
}

bool Decode(std::span<const std::uint8_t> body, Called& value) {
  Reader reader(body);
  reader.GetData(value.data).Get(value.process).GetText(value.executable);
  for (std::size_t i = 0; i < Called::kMostTexts; ++i)
    reader.Get(value.texts[i].slot).GetText(value.texts[i].bytes);
  if (!reader.IsWhole() || value.executable.size() > Called::kMostText) return false;
  for (const Called::Text& text : value.texts)
    if (text.bytes.size() > Called::kMostText) return false;
  return true;
}

bool Decode(std::span<const std::uint8_t> body, Used& value) {
  Reader reader(body);
  reader.GetData(value.data).Get(value.process).GetText(value.executable);
  for (std::size_t i = 0; i < Used::kMostNames; ++i)
    reader.Get(value.names[i].slot).Get(value.names[i].is_there).GetText(value.names[i].path);
  if (!reader.IsWhole() || value.executable.size() > Called::kMostText) return false;
  for (const Used::Name& name : value.names)
    if (name.path.size() > Called::kMostText || name.is_there > 1) return false;
  return true;
}

bool Decode(std::span<const std::uint8_t> body, Sent& value) {
  Reader reader(body);
  reader.GetData(value.data).Get(value.process).GetText(value.executable).Get(value.protocol);
  for (std::uint16_t& type : value.types) reader.Get(type);
  reader.Get(value.count).Get(value.is_more).Get(value.has_power);
  return reader.IsWhole() && value.executable.size() <= Called::kMostText &&
         value.count <= Sent::kMostTypes && value.is_more <= 1 && value.has_power <= 1;
}

bool Decode(std::span<const std::uint8_t> body, Denied& value) {
  return Reader(body)
             .Get(value.row)
             .Get(value.rest)
             .Get(value.count)
             .GetData(value.data)
             .IsWhole() &&
         value.row < Denied::kMostRows && value.rest <= 1;
}

bool Decode(std::span<const std::uint8_t> body, Missed& value) {
  return Reader(body).Get(value.dropped).Get(value.unanswered).IsWhole();
}

std::span<std::uint8_t> Deframer::Space() {
  if (begin_ > 0) std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  return std::span(bytes_).subspan(end_);
}

Deframer::State Deframer::Next(Frame& frame) {
  const std::size_t held = end_ - begin_;
  if (held < kHeaderSize) return State::kMore;
  const std::uint8_t* const at = bytes_.data() + begin_;
  const auto size = Fetch<std::uint32_t>(at);
  if (size > kMostBody) return State::kBroken;
  if (held < kHeaderSize + size) return State::kMore;
  frame = {static_cast<FrameType>(at[4]), {at + kHeaderSize, size}};
  begin_ += kHeaderSize + size;
  return State::kFrame;
}

}  // namespace bailey::guest
