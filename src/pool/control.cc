#include "pool/control.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "os/events.h"
#include "os/file.h"
#include "os/local_socket.h"
#include "pool/message.h"
#include "pool/peer.h"

namespace bailey::pool {
namespace {

// Who connects and asks nothing does not hold up the pool.
constexpr std::chrono::milliseconds kPatience{500};
constexpr std::string_view kLock = ".lock", kQuestions = ".control";

std::string Beside(const std::string& name, std::string_view suffix) {
  return fmt::format("{}{}", name, suffix);
}

void RemoveFiles(int directory, const std::string& name) {
  for (const std::string& file : {name, Beside(name, kQuestions), Beside(name, kLock)})
    (void)os::RemoveFile(directory, file.c_str());
}

// A lock whose file was removed meanwhile holds nobody off.
base::Result<base::UniqueFd> Lock(const Directory& directory, const std::string& name) {
  const std::string file = Beside(name, kLock);
  for (;;) {
    auto opened = os::Open(directory.descriptor.Get(), file.c_str(),
                           O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (!opened) return base::SystemError("lock pool " + name, opened.error().value);
    const auto locked = os::TryLock(opened->Get(), os::Lock::kExclusive);
    if (!locked) return base::SystemError("lock pool " + name, locked.error().value);
    if (!*locked)
      return base::InvalidInput(fmt::format("start pool {}: there is one already", name));
    const auto here = os::Stat(directory.descriptor.Get(), file.c_str(), false);
    const auto held = os::StatFd(opened->Get());
    if (!held) return base::SystemError("lock pool " + name, held.error().value);
    if (here && here->st_ino == held->st_ino && here->st_dev == held->st_dev)
      return *std::move(opened);
  }
}

}  // namespace

base::Result<Control> Control::Claim(const Directory& directory, const std::string& name) {
  auto lock = Lock(directory, name);
  if (!lock) return lock.error();
  auto copy = os::Copy(directory.descriptor.Get());
  if (!copy) return base::SystemError("start pool " + name, copy.error().value);
  Control control(*std::move(copy), name, *std::move(lock));
  if (const auto listening = control.Listen(); !listening) return listening.error();
  return control;
}

base::Status Control::Listen() {
  const auto listen = [this](const std::string& file) {
    const auto removed = os::RemoveFile(directory_.Get(), file.c_str());
    if (!removed && removed.error().value != ENOENT)
      return os::SysResult<base::UniqueFd>(std::unexpected(removed.error()));
    return os::ListenIn(directory_.Get(), file.c_str(), 0600);
  };
  for (auto& [file, socket] :
       {std::pair{name_, &callers_}, std::pair{Beside(name_, kQuestions), &questions_}}) {
    auto made = listen(file);
    if (!made) return base::SystemError("listen at " + file, made.error().value);
    *socket = *std::move(made);
  }
  return {};
}

base::Result<std::optional<Question>> Control::Next() {
  auto accepted = os::AcceptConnection(questions_.Get());
  if (!accepted) return base::SystemError("hear a question", accepted.error().value);
  const auto self = Self::Look();
  if (!self) return self.error();
  if (!*accepted || !self->CheckPeer((*accepted)->Get())) return std::nullopt;
  asker_ = **std::move(accepted);
  const std::array<os::Interest, 1> interests = {{{asker_.Get()}}};
  const auto ready = os::WaitReady(interests, std::chrono::steady_clock::now() + kPatience);
  std::array<char, 8> bytes;
  if (!ready || !*ready) return std::nullopt;
  const auto received = os::ReceiveDescriptors(asker_.Get(), bytes, {});
  if (!received || received->size != 1) return std::nullopt;
  for (const Question question : {Question::kStatus, Question::kStop, Question::kKill})
    if (bytes[0] == static_cast<char>(question)) return question;
  return std::nullopt;
}

void Control::Reply(std::string_view text) {
  // Who asked may have gone.
  (void)os::SendDescriptors(asker_.Get(), text, {});
  asker_.Reset();
}

void Control::Hold() { held_.push_back(std::move(asker_)); }

void Control::GiveUp() {
  if (!lock_.IsOpen()) return;
  questions_.Reset();
  callers_.Reset();
  // What is not removed is taken over by the next pool of this name.
  RemoveFiles(directory_.Get(), name_);
  lock_.Reset();
}

base::Result<std::string> Ask(const Directory& directory, const std::string& name,
                              Question question) {
  const auto connection =
      os::ConnectIn(directory.descriptor.Get(), Beside(name, kQuestions).c_str());
  if (!connection) {
    const int error = connection.error().value;
    if (error == ENOENT || error == ECONNREFUSED)
      return base::InvalidInput(fmt::format("ask pool {}: there is none", name));
    return base::SystemError("ask pool " + name, error);
  }
  const char word = static_cast<char>(question);
  if (const auto sent = os::SendDescriptors(connection->Get(), {&word, 1}, {}); !sent)
    return base::SystemError("ask pool " + name, sent.error().value);
  const Buffer answer;
  const auto received = os::ReceiveDescriptors(connection->Get(), answer.All(), {});
  if (!received && received.error().value != ECONNRESET)
    return base::SystemError("ask pool " + name, received.error().value);
  return std::string(answer.First(received ? received->size : 0));
}

base::Result<std::vector<std::string>> RemoveLeftovers(const Directory& directory) {
  const auto names = Names(directory);
  if (!names) return names.error();
  std::vector<std::string> removed;
  for (const std::string& name : *names) {
    const auto lock = Lock(directory, name);
    if (!lock && lock.error().code == base::ErrorCode::kInvalidInput) continue;
    if (!lock) return lock.error();
    RemoveFiles(directory.descriptor.Get(), name);
    removed.push_back(fmt::format("{}/{}", directory.path, name));
  }
  return removed;
}

base::Result<std::vector<std::string>> Names(const Directory& directory) {
  auto entries = os::Names(directory.descriptor.Get());
  if (!entries) return base::SystemError("read " + directory.path, entries.error().value);
  std::vector<std::string> names;
  for (const std::string& entry : *entries)
    if (entry.ends_with(kLock)) names.push_back(entry.substr(0, entry.size() - kLock.size()));
  return names;
}

}  // namespace bailey::pool
