#include "network/http.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace bailey::network {
namespace {

ByteView View(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// What passes of a text that comes in pieces of `piece` bytes, and why the rest does not.
std::pair<std::string, std::string> Pass(std::string_view text, std::size_t piece) {
  HttpRequests requests(*egress::Host::Parse("a.test"));
  std::string passed, held;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    held += text.substr(at, piece);
    const auto step = requests.Look(View(held));
    if (!step.refused.empty()) return {passed, step.refused};
    passed += held.substr(0, step.pass);
    held.erase(0, step.pass);
  }
  return {passed, held.empty() ? "" : "held"};
}

TEST(HttpRequests, Pass) {
  const struct {
    const char *sentence, *text, *why;
  } kCases[] = {
      {"one request", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", ""},
      {"a port and other letters", "GET / HTTP/1.1\r\nhOST:  A.Test.:8080 \r\n\r\n", ""},
      {"line feeds alone", "GET / HTTP/1.1\nHost: a.test\n\n", ""},
      {"an empty line first", "\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n", ""},
      {"HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", ""},
      {"a whole URL", "GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n", ""},
      {"a body, and another request",
       "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nGET /GET / HTTP/1.1\r\n"
       "Host: a.test\r\n\r\n",
       ""},
      {"chunks, and another request",
       "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nGET /\r\n"
       "0\r\nTrailer: 1\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
       ""},
      {"another host", "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n",
       "it is for b.test, and the connection for a.test"},
      {"another host behind a first request",
       "GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET / HTTP/1.1\r\nHost: b.test\r\n\r\n",
       "it is for b.test, and the connection for a.test"},
      {"another host in the URL", "GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
       "it is for b.test, and the connection for a.test"},
      {"an address for a host", "GET / HTTP/1.1\r\nHost: 1.2.3.4\r\n\r\n",
       "it is for 1.2.3.4, and the connection for a.test"},
      {"a host that is none", "GET / HTTP/1.1\r\nHost: a.test@b.test\r\n\r\n",
       "it is for no name, and the connection for a.test"},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", "it names two hosts"},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "it names no host"},
      {"a tunnel", "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n",
       "it asks for a tunnel (CONNECT)"},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", "HTTP/2 without TLS cannot be looked into"},
      {"an upgrade to HTTP/2", "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: h2c\r\n\r\n",
       "HTTP/2 without TLS cannot be looked into"},
      {"a blank before a colon", "GET / HTTP/1.1\r\nHost : a.test\r\n\r\n",
       "a header is malformed"},
      {"a folded line", "GET / HTTP/1.1\r\nHost: a.test\r\n b\r\n\r\n", "a header is malformed"},
      {"a carriage return alone", "GET / HTTP/1.1\r\nX: a\rHost: b.test\r\n\r\n",
       "its head has control characters"},
      {"two lengths",
       "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       "how long its body is, is said in no way or in two"},
      {"a length and chunks",
       "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "how long its body is, is said in no way or in two"},
      {"another coding",
       "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
       "how long its body is, is said in no way or in two"},
      {"a signed length", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: +1\r\n\r\n",
       "how long its body is, is said in no way or in two"},
      {"a chunk without a length",
       "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
       "a chunk of its body says no length"},
      {"a chunk that is longer",
       "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
       "a chunk of its body is longer than it says"},
      {"tabs in the first line", "GET\t/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
       "its first line is no request"},
  };
  for (const auto& c : kCases) {
    for (const std::size_t piece : {1u, 3u, 1000u}) {
      const auto [passed, why] = Pass(c.text, piece);
      EXPECT_EQ(why, c.why) << c.sentence;
      EXPECT_EQ(why.empty() ? passed : std::string(c.text), c.text) << c.sentence;
      EXPECT_EQ(passed.find("b.test"), std::string::npos) << c.sentence;
    }
  }
}

TEST(HttpRequests, AHeadIsBounded) {
  const std::string text = "GET / HTTP/1.1\r\nX: " + std::string(kMostHeadBytes, 'x');
  EXPECT_EQ(Pass(text, 4096).second, "its head is too long");
}

TEST(HttpRequests, UpgradesWaitForTheirAnswer) {
  HttpRequests requests(*egress::Host::Parse("a.test"));
  const std::string text =
      "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\n\r\nGET / HTTP/1.1\r\n"
      "Host: b.test\r\n\r\n";
  const auto step = requests.Look(View(text));
  EXPECT_EQ(step.pass, text.find("\r\n\r\n") + 4);
  EXPECT_TRUE(step.waits);
  EXPECT_TRUE(step.refused.empty());
  requests.Answered(false);
  EXPECT_EQ(requests.Look(View(text).subspan(step.pass)).refused,
            "it is for b.test, and the connection for a.test");
}

TEST(Classify, SeesWhatIsSpoken) {
  const struct {
    std::string_view bytes;
    FirstBytes want;
  } kCases[] = {
      {"", FirstBytes::kUnknownYet},
      {"\x16", FirstBytes::kUnknownYet},
      {"\x16\x03\x01", FirstBytes::kTls},
      {"GET / HTTP/1.1\r\n", FirstBytes::kHttp},
      {"get / ", FirstBytes::kHttp},
      {"\r\nGET / HTTP/1.1\r\n", FirstBytes::kHttp},
      {"FOO / http/1.1\r\n", FirstBytes::kHttp},
      {"EHLO example\r\n", FirstBytes::kOther},
      {"SSH-2.0-OpenSSH\r\n", FirstBytes::kOther},
      {"EHLO exam", FirstBytes::kUnknownYet},
      {std::string_view("\0\0\0\x08", 4), FirstBytes::kOther},
      {"*1\r\n$4\r\nPING\r\n", FirstBytes::kOther},
  };
  for (const auto& c : kCases) EXPECT_EQ(Classify(View(c.bytes)), c.want) << c.bytes;
}

TEST(HttpRequests, AnyBytesPassOnlyWhole) {
  constexpr std::string_view kParts[] = {"GET / HTTP/1.1\r\n",
                                         "Host: a.test\r\n",
                                         "Host: b.test\r\n",
                                         "\r\n",
                                         "Content-Length: 3\r\n",
                                         "abc",
                                         "\n",
                                         "\r",
                                         " ",
                                         "Transfer-Encoding: chunked\r\n",
                                         "0\r\n",
                                         "3\r\nabc\r\n"};
  std::mt19937 random(4);
  for (int round = 0; round < 50000; ++round) {
    std::string text;
    for (unsigned i = 0; i < random() % 14; ++i) text += kParts[random() % std::size(kParts)];
    const auto whole = Pass(text, 1000);
    const auto bytes = Pass(text, 1);
    EXPECT_EQ(whole.first, bytes.first.substr(0, whole.first.size())) << text;
    EXPECT_EQ(whole.second.empty(), bytes.second.empty()) << text;
  }
}

}  // namespace
}  // namespace bailey::network
