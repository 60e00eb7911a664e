#include "image/hash.h"

#include <fmt/format.h>
#include <sha2.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "os/file.h"

namespace bailey::image {
namespace {

std::string Finish(SHA2_CTX& context) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  ::SHA256Final(digest.data(), &context);
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

base::Result<std::string> HashFile(int fd) {
  if (::lseek(fd, 0, SEEK_SET) != 0) return base::SystemError("read a file", errno);
  SHA2_CTX context;
  ::SHA256Init(&context);
  std::vector<std::uint8_t> piece(1 << 20);
  for (;;) {
    const auto count = os::ReadSome(fd, piece);
    if (!count) return base::SystemError("read a file", count.error().value);
    if (*count == 0) return Finish(context);
    ::SHA256Update(&context, piece.data(), *count);
  }
}

}  // namespace bailey::image
