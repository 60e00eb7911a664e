// Resolves names for a gateway, as any program of this host would: questions come on standard
// input, a socket, and answers go back on it. Apart from the gateway, because libc's resolver reads
// files and loads modules, and what it parses comes from whoever answers for a name.
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <thread>
#include <vector>

#include "network/dialer.h"
#include "os/inet.h"

namespace {

using bailey::network::ResolveAnswer;
using bailey::network::ResolveQuestion;

void Add(ResolveAnswer& answer, const void* bytes, std::size_t size) {
  if (answer.count == ResolveAnswer::kMost) return;
  std::memcpy(answer.addresses[answer.count].data(), bytes, size);
  answer.sizes[answer.count++] = static_cast<std::uint8_t>(size);
}

ResolveAnswer Resolve(ResolveQuestion question) {
  ResolveAnswer answer;
  answer.id = question.id;
  question.name.back() = '\0';
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  if (::getaddrinfo(question.name.data(), nullptr, &hints, &found) != 0) return answer;
  for (const addrinfo* one = found; one; one = one->ai_next) {
    if (one->ai_family == AF_INET)
      Add(answer, &reinterpret_cast<const sockaddr_in*>(one->ai_addr)->sin_addr, 4);
    // One with a scope is of a link, and no address alone.
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(one->ai_addr);
    if (one->ai_family == AF_INET6 && v6->sin6_scope_id == 0) Add(answer, &v6->sin6_addr, 16);
  }
  ::freeaddrinfo(found);
  return answer;
}

void Serve() {
  for (;;) {
    ResolveQuestion question;
    const auto size =
        bailey::os::Read(0, {reinterpret_cast<std::uint8_t*>(&question), sizeof(question)});
    if (!size || *size != sizeof(question)) return;
    const ResolveAnswer answer = Resolve(question);
    if (!bailey::os::Write(0, {reinterpret_cast<const std::uint8_t*>(&answer), sizeof(answer)}))
      return;
  }
}

}  // namespace

int main() {
  constexpr std::size_t kAtOnce = 8;
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < kAtOnce; ++i) threads.emplace_back(Serve);
  Serve();
  for (std::thread& thread : threads) thread.join();
  return 0;
}
