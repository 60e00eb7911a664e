#include "audit/sink.h"

#include <endian.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "audit/socket_sinks.h"
#include "base/unique_fd.h"

namespace bailey::audit {
namespace {

namespace fs = std::filesystem;

class SinkTest : public testing::Test {
 protected:
  SinkTest() {
    std::string name = (fs::temp_directory_path() / "audit-sink-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~SinkTest() override { fs::remove_all(directory_); }

  std::string Path(const char* name) const { return directory_ / name; }

  // A socket that listens, or takes datagrams.
  base::UniqueFd Bind(const std::string& path, int type) const {
    base::UniqueFd fd(::socket(AF_UNIX, type, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(fd.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd.Get(), 1), 0);
    }
    return fd;
  }

  static Event Number(std::uint64_t sequence) {
    Event event = {.sequence = sequence, .sandbox = "s", .decision = Decision::kDenied};
    event.detail = Call{.arch = "x86_64", .name = "mount", .number = 165, .answer = "EPERM"};
    return event;
  }

  fs::path directory_;
};

std::string ReadAll(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::size_t Lines(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

TEST_F(SinkTest, FilesAreRotatedAndBounded) {
  const std::size_t line = ToJson(Number(100)).size() + 1;
  auto sink = OpenSink("file:" + Path("log"), {.file_bytes = 3 * line, .old_files = 2});
  ASSERT_TRUE(sink) << sink.error().text;
  for (std::uint64_t i = 100; i < 120; ++i) (*sink)->Write(Number(i));
  EXPECT_EQ((*sink)->Lost(), 0u);
  EXPECT_EQ(Lines(ReadAll(Path("log"))), 2u);
  EXPECT_EQ(Lines(ReadAll(Path("log.1"))), 3u);
  EXPECT_EQ(Lines(ReadAll(Path("log.2"))), 3u);
  EXPECT_FALSE(fs::exists(Path("log.3")));
  EXPECT_EQ(ReadAll(Path("log")), ToJson(Number(118)) + "\n" + ToJson(Number(119)) + "\n");
}

TEST_F(SinkTest, AFileThatIsThereCounts) {
  const std::size_t line = ToJson(Number(1)).size() + 1;
  for (std::uint64_t i = 0; i < 3; ++i) {
    auto sink = OpenSink("file:" + Path("log"), {.file_bytes = 2 * line, .old_files = 0});
    ASSERT_TRUE(sink);
    (*sink)->Write(Number(i));
  }
  EXPECT_EQ(ReadAll(Path("log")), ToJson(Number(2)) + "\n");
}

TEST_F(SinkTest, AFullDiskLosesEventsAndCounts) {
  auto sink = OpenSink("file:/dev/full", {});
  ASSERT_TRUE(sink) << sink.error().text;
  (*sink)->Write(Number(1));
  (*sink)->Write(Number(2));
  EXPECT_EQ((*sink)->Lost(), 2u);
  EXPECT_EQ((*sink)->LastFault(), "No space left on device");
}

TEST_F(SinkTest, NoLinkIsFollowedToAFile) {
  fs::create_symlink(Path("elsewhere"), Path("log"));
  const auto sink = OpenSink("file:" + Path("log"), {});
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().text,
            "open audit file " + Path("log") + ": Too many levels of symbolic links");
  EXPECT_FALSE(fs::exists(Path("elsewhere")));
}

TEST_F(SinkTest, ASocketGetsLines) {
  const auto listening = Bind(Path("s"), SOCK_STREAM);
  auto sink = OpenSink("unix:" + Path("s"), {});
  ASSERT_TRUE(sink);
  (*sink)->Write(Number(1));
  const base::UniqueFd reader(::accept(listening.Get(), nullptr, nullptr));
  char buffer[1000];
  const ssize_t size = ::read(reader.Get(), buffer, sizeof(buffer));
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(size)), ToJson(Number(1)) + "\n");
}

// Whoever listens and never reads: the sink fills the socket and then loses whole events.
TEST_F(SinkTest, ASlowReaderNeverHoldsItUp) {
  const auto listening = Bind(Path("s"), SOCK_STREAM);
  auto sink = OpenSink("unix:" + Path("s"), {});
  ASSERT_TRUE(sink);
  std::uint64_t written = 0;
  while ((*sink)->Lost() < 10) (*sink)->Write(Number(++written));
  const base::UniqueFd reader(::accept4(listening.Get(), nullptr, nullptr, SOCK_NONBLOCK));
  std::string text;
  char buffer[4096];
  for (ssize_t size; (size = ::read(reader.Get(), buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(size));
  (*sink)->Write(Number(++written));
  for (ssize_t size; (size = ::read(reader.Get(), buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(size));
  EXPECT_EQ(Lines(text), written - 10);
  std::istringstream lines(text);
  for (std::string one; std::getline(lines, one);) EXPECT_TRUE(FromJson(one)) << one;
}

TEST_F(SinkTest, AReaderThatIsGoneIsNoSignal) {
  auto listening = Bind(Path("s"), SOCK_STREAM);
  auto sink = OpenSink("unix:" + Path("s"), {});
  ASSERT_TRUE(sink);
  (*sink)->Write(Number(1));
  base::UniqueFd(::accept(listening.Get(), nullptr, nullptr)).Reset();
  listening.Reset();
  (*sink)->Write(Number(2));
  (*sink)->Write(Number(3));
  EXPECT_EQ((*sink)->Lost(), 2u);
  EXPECT_EQ((*sink)->LastFault(), "Broken pipe");
}

TEST_F(SinkTest, NobodyListensAndNothingWaits) {
  for (const char* const kind : {"unix:", "syslog:"}) {
    auto sink = OpenSink(kind + Path("nobody"), {});
    ASSERT_TRUE(sink);
    (*sink)->Write(Number(1));
    EXPECT_EQ((*sink)->Lost(), 1u);
    EXPECT_EQ((*sink)->LastFault(), "No such file or directory");
  }
}

TEST_F(SinkTest, SyslogGetsADatagramAnEvent) {
  const auto log = Bind(Path("log"), SOCK_DGRAM);
  auto sink = OpenSink("syslog:" + Path("log"), {});
  ASSERT_TRUE(sink);
  (*sink)->Write(Number(1));
  char buffer[1000];
  const ssize_t size = ::read(log.Get(), buffer, sizeof(buffer));
  ASSERT_GT(size, 0);
  EXPECT_THAT(
      std::string(buffer, static_cast<std::size_t>(size)),
      testing::MatchesRegex(
          "<37>1 1970-01-01T00:00:00.000000Z [^ ]+ bailey [0-9]+ call .bailey@0 "
          "sandbox=\"s\" sequence=\"1\" decision=\"denied\". denied call mount.. -> EPERM"));
}

TEST(SyslogMessage, IsNoLongerThanDaemonsTake) {
  Event event = {.sandbox = "s"};
  event.detail = Launch{"agent", {std::string(9000, 'x') + std::string(9000, '"')}};
  const std::string message = SyslogMessage(event, "host");
  EXPECT_EQ(message.size(), 8192u);
  EXPECT_TRUE(message.ends_with("xxx..."));
  for (std::size_t i = 0; i < 4; ++i) {
    Launch launch = {"agent", {std::string(i, 'x')}};
    while (launch.argv[0].size() < 9000) launch.argv[0] += "\u20ac";
    event.detail = launch;
    std::string cut = SyslogMessage(event, "host");
    ASSERT_TRUE(cut.ends_with("...")) << i;
    cut.resize(cut.size() - 3);
    EXPECT_TRUE(cut.ends_with("\u20ac")) << i;
  }
}

TEST(SyslogMessage, EscapesWhatItsFormatMeans) {
  Event event = {.sandbox = "a\"b\\c]d"};
  event.detail = Limit{"wall", "1s"};
  EXPECT_THAT(SyslogMessage(event, "my host"),
              testing::MatchesRegex(".* my_host bailey .*sandbox=\"a.\"b..c.]d\".*"));
}

// As the journal reads it: "NAME=value\n", or "NAME\n", eight bytes of length, the value, "\n".
std::map<std::string, std::string> FieldsOf(std::string_view message) {
  std::map<std::string, std::string> fields;
  while (!message.empty()) {
    const std::size_t end = message.find_first_of("=\n");
    if (end == std::string_view::npos) return {{"a name without an end", ""}};
    const std::string name(message.substr(0, end));
    std::size_t size = message.find('\n', end) - end - 1;
    const bool is_long = message[end] == '\n';
    message.remove_prefix(end + 1);
    if (is_long) {
      std::uint64_t length = 0;
      if (message.size() < sizeof(length)) return {{"half a length", ""}};
      std::memcpy(&length, message.data(), sizeof(length));
      message.remove_prefix(sizeof(length));
      size = le64toh(length);
    }
    if (size >= message.size() || message[size] != '\n') return {{"a value without an end", ""}};
    fields[name] = message.substr(0, size);
    message.remove_prefix(size + 1);
  }
  return fields;
}

struct Datagram {
  std::string bytes;
  base::UniqueFd file;
};

Datagram Receive(const base::UniqueFd& socket) {
  Datagram datagram;
  std::string buffer(1 << 16, '\0');
  iovec part = {buffer.data(), buffer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  const ssize_t size = ::recvmsg(socket.Get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  EXPECT_GE(size, 0) << std::strerror(errno);
  datagram.bytes = buffer.substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  if (size >= 0 && rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
    datagram.file = base::UniqueFd(fd);
  }
  return datagram;
}

TEST_F(SinkTest, TheJournalGetsFields) {
  const auto journal = Bind(Path("journal"), SOCK_DGRAM);
  const auto sink = MakeJournalSink(Path("journal"));
  Event event = Number(1);
  event.sandbox = "two\nlines=and more";
  sink->Write(event);
  const Datagram datagram = Receive(journal);
  EXPECT_FALSE(datagram.file.IsOpen());
  const std::map<std::string, std::string> want = {
      {"MESSAGE", "denied call mount() -> EPERM"},
      {"PRIORITY", "5"},
      {"SYSLOG_IDENTIFIER", "bailey"},
      {"BAILEY_SANDBOX", event.sandbox},
      {"BAILEY_KIND", "call"},
      {"BAILEY_DECISION", "denied"},
      {"BAILEY_EVENT", ToJson(event)},
  };
  EXPECT_EQ(FieldsOf(datagram.bytes), want);
  EXPECT_EQ(sink->Lost(), 0u);
}

TEST_F(SinkTest, TheJournalGetsWhatIsLongAsASealedFile) {
  const auto journal = Bind(Path("journal"), SOCK_DGRAM);
  const auto sink = MakeJournalSink(Path("journal"));
  Event event = {.sequence = 1, .sandbox = "s"};
  event.detail = Launch{"agent", {"echo", std::string(1 << 20, 'x') + "\n"}};
  sink->Write(event);
  sink->Write(Number(2));
  const Datagram large = Receive(journal);
  EXPECT_EQ(large.bytes, "");
  ASSERT_TRUE(large.file.IsOpen());
  const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  EXPECT_EQ(::fcntl(large.file.Get(), F_GET_SEALS) & seals, seals);
  std::string text = ReadAll("/proc/self/fd/" + std::to_string(large.file.Get()));
  EXPECT_GT(text.size(), std::size_t{2} << 20);
  auto fields = FieldsOf(text);
  EXPECT_EQ(fields["BAILEY_EVENT"], ToJson(event));
  EXPECT_EQ(fields["BAILEY_KIND"], "launch");
  EXPECT_EQ(fields.size(), 7u);
  EXPECT_EQ(FieldsOf(Receive(journal).bytes)["BAILEY_KIND"], "call");
  EXPECT_EQ(sink->Lost(), 0u) << sink->LastFault();
}

TEST_F(SinkTest, AJournalThatNobodyReadsLosesAndCounts) {
  const auto journal = Bind(Path("journal"), SOCK_DGRAM);
  const auto sink = MakeJournalSink(Path("journal"));
  Event large = {.sequence = 1, .sandbox = "s"};
  large.detail = Launch{"agent", {"echo", std::string(1 << 20, 'x')}};
  for (int i = 0; i < 2000 && sink->Lost() < 3; ++i) sink->Write(i % 2 == 0 ? large : Number(2));
  EXPECT_EQ(sink->Lost(), 3u);
  EXPECT_EQ(sink->LastFault(), "Resource temporarily unavailable");
}

TEST(JournalMessage, HasFieldsInTheNativeForm) {
  Event event = {.sequence = 1, .sandbox = "two\nlines", .decision = Decision::kDenied};
  event.detail = Limit{"wall", "1s"};
  event.alerts = {"a"};
  const std::string length("\x09\0\0\0\0\0\0\0", 8);
  EXPECT_EQ(JournalMessage(event),
            "MESSAGE=denied limit wall 1s ALERT a\nPRIORITY=4\nSYSLOG_IDENTIFIER=bailey\n"
            "BAILEY_SANDBOX\n" +
                length + "two\nlines\nBAILEY_KIND=limit\nBAILEY_DECISION=denied\nBAILEY_EVENT=" +
                ToJson(event) + "\n");
}

TEST(OpenSink, SaysWhatANameCouldBe) {
  for (const char* const name : {"", "files:/x", "file:", "file:relative", "stdout:x", "syslog:"}) {
    const auto sink = OpenSink(name, {});
    ASSERT_FALSE(sink) << name;
    EXPECT_EQ(sink.error().text,
              "open audit sink \"" + std::string(name) +
                  "\": expected file:, unix: or syslog: and an absolute path, or stdout, syslog or "
                  "journald");
  }
}

}  // namespace
}  // namespace bailey::audit
