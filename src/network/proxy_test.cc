#include "network/proxy.h"

#include <gtest/gtest.h>

#include <string>

namespace bailey::network {
namespace {

using Kind = ProxyRequest::Kind;
using namespace std::string_literals;

ProxyRequest Read(std::string_view text, bool greeted = false) {
  return ReadProxyRequest({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
                          greeted);
}

std::string Text(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

TEST(Proxy, Tunnels) {
  const auto request = Read("CONNECT A.test:443 HTTP/1.1\r\nHost: A.test:443\r\n\r\nrest");
  EXPECT_EQ(request.kind, Kind::kTunnel);
  EXPECT_EQ(request.host->Text(), "a.test");
  EXPECT_EQ(request.port, 443);
  EXPECT_EQ(request.size, 49u);
  const auto address = Read("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n");
  EXPECT_EQ(address.address, base::ParseAddress("2001:db8::1"));
  for (const auto& text :
       {"CONNECT a.test HTTP/1.1\r\n\r\n"s, "CONNECT a.test:0 HTTP/1.1\r\n\r\n"s,
        "CONNECT a.test\0.b.test:80 HTTP/1.1\r\n\r\n"s, "CONNECT 127.1:80 HTTP/1.1\r\n\r\n"s,
        "GET / HTTP/1.1\r\n\r\n"s, "GET ftp://a.test/ HTTP/1.1\r\n\r\n"s}) {
    const auto refused = Read(text);
    EXPECT_EQ(refused.kind, Kind::kRefused) << text;
    EXPECT_EQ(Text(refused.reply).substr(0, 12), "HTTP/1.1 400") << text;
  }
}

TEST(Proxy, ForwardsOneRequest) {
  const auto request = Read(
      "GET http://a.test:8080/x?y HTTP/1.1\r\nHost: lies.test\r\nProxy-Connection: keep-alive\r\n"
      "Accept: */*\r\n\r\n");
  EXPECT_EQ(request.kind, Kind::kForward);
  EXPECT_EQ(request.port, 8080);
  EXPECT_EQ(Text(request.head),
            "GET /x?y HTTP/1.1\r\nHost: a.test:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n");
}

TEST(Proxy, SpeaksSocks) {
  EXPECT_EQ(Read("\x05\x01").kind, Kind::kIncomplete);
  EXPECT_EQ(Read("\x05\x02\x00\x02"s).kind, Kind::kGreeting);
  EXPECT_EQ(Read("\x05\x01\x02").kind, Kind::kRefused) << "a password";
  const auto name = Read(
      "\x05\x01\x00\x03\x06"
      "A.test\x01\xbb"s,
      true);
  EXPECT_EQ(name.kind, Kind::kTunnel);
  EXPECT_EQ(name.host->Text(), "a.test");
  EXPECT_EQ(name.port, 443);
  EXPECT_EQ(name.size, 13u);
  EXPECT_EQ(Read("\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"s, true).address,
            base::ParseAddress("127.0.0.1"));
  EXPECT_EQ(Read("\x05\x01\x00\x03\x07"
                 "1.2.3.4\x00\x50"s,
                 true)
                .address,
            base::ParseAddress("1.2.3.4"));
  const struct {
    std::string text;
    int code;
  } kRefused[] = {
      {"\x05\x01\x00\x03\x07"
       "a\0.test\x00\x50"s,
       2},
      {"\x05\x03\x00\x01\x01\x02\x03\x04\x00\x50"s, 7},
      {"\x05\x01\x00\x02\x01\x02\x03\x04\x00\x50"s, 8},
      {"\x04\x01\x00\x02\x01\x02\x03\x04\x00\x50"s, 1},
  };
  for (const auto& c : kRefused) {
    const auto refused = Read(c.text, true);
    EXPECT_EQ(refused.kind, Kind::kRefused);
    EXPECT_EQ(refused.reply.at(1), c.code);
  }
}

TEST(Proxy, AsksAnother) {
  EXPECT_EQ(Text(TunnelRequest("a.test", 443, "")),
            "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n");
  const auto read = [](std::string_view text) {
    return ReadTunnelAnswer({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  };
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n").kind, TunnelAnswer::Kind::kIncomplete);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nx").size, 19u);
  EXPECT_EQ(read("HTTP/1.1 403 No\r\n\r\n").kind, TunnelAnswer::Kind::kRefused);
  EXPECT_EQ(read("HTTP/1.1 407 No\r\n\r\n").kind, TunnelAnswer::Kind::kUnknown);
  EXPECT_EQ(read("nonsense\r\n\r\n").kind, TunnelAnswer::Kind::kRefused);
}

TEST(Proxy, LogsIn) {
  // RFC 7617, 2; then every length of what is left over.
  struct {
    std::string login, field;
  } const kCases[] = {{"Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
                      {"u:", "dTo="},
                      {"u:p", "dTpw"},
                      {"u:pp", "dTpwcA=="},
                      {"u:\xc3\xbf\xc3\xbf", "dTrDv8O/"}};
  for (const auto& [login, field] : kCases) {
    EXPECT_EQ(Text(TunnelRequest("a.test", 443, login)),
              "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n"
              "Proxy-Authorization: Basic " +
                  field + "\r\n\r\n");
  }
}

TEST(Proxy, ReadsALogin) {
  EXPECT_EQ(ReadLogin("user:a word\n"), "user:a word");
  EXPECT_EQ(ReadLogin("user:a:b\r\n"), "user:a:b");
  EXPECT_EQ(ReadLogin("user:"), "user:");
  for (const std::string_view none :
       {"", "\n", "user\n", ":word", "user:word\n\n", "user:a\nb:c", "user:a\tb", "user:\x7f"})
    EXPECT_EQ(ReadLogin(none), std::nullopt) << none;
  EXPECT_EQ(ReadLogin(std::string_view("u:a\0", 4)), std::nullopt);
}

}  // namespace
}  // namespace bailey::network
