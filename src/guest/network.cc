#include "guest/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guest/machine.h"
#include "guest/network6.h"

namespace bailey::guest {
namespace {

constexpr char kInterface[] = "eth0";
constexpr std::uint16_t kResolverPort = 53;
constexpr int kPatienceMilliseconds = 30'000;

int Result(long value) { return value < 0 ? errno : 0; }

sockaddr_in SocketAddress(std::uint32_t address, std::uint16_t port = 0) {
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(address);
  to.sin_port = htons(port);
  return to;
}

template <class T>
void Put(T& place, const sockaddr_in& address) {
  static_assert(sizeof(place) >= sizeof(address));
  memcpy(&place, &address, sizeof(address));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int Get() const { return fd_; }

 private:
  int fd_;
};

// The interface appears when the kernel has found the device, which it looks for beside us.
int AwaitInterface(int socket, ifreq& request) {
  for (int waited = 0;; ++waited) {
    if (::ioctl(socket, SIOCGIFINDEX, &request) == 0) return 0;
    if (errno != ENODEV || waited == kPatienceMilliseconds) return errno;
    const timespec moment = {0, 1'000'000};
    ::nanosleep(&moment, nullptr);
  }
}

int AddRoute(int socket, std::uint32_t to, std::uint32_t mask, const sockaddr_in* gateway) {
  char device[] = "eth0";
  rtentry route = {};
  Put(route.rt_dst, SocketAddress(to));
  Put(route.rt_genmask, SocketAddress(mask));
  route.rt_flags = RTF_UP | (mask == ~0u ? RTF_HOST : 0);
  if (gateway != nullptr) {
    Put(route.rt_gateway, *gateway);
    route.rt_flags |= RTF_GATEWAY;
  }
  route.rt_dev = device;
  return Result(::ioctl(socket, SIOCADDRT, &route));
}

int Configure(const Network& network) {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (socket.Get() < 0) return errno;
  ifreq request = {};
  memcpy(request.ifr_name, kInterface, sizeof(kInterface));
  if (const int error = AwaitInterface(socket.Get(), request)) return error;
  const int index = request.ifr_ifindex;
  Put(request.ifr_addr, SocketAddress(network.address));
  if (::ioctl(socket.Get(), SIOCSIFADDR, &request) != 0) return errno;
  Put(request.ifr_netmask, SocketAddress(~0u));
  if (::ioctl(socket.Get(), SIOCSIFNETMASK, &request) != 0) return errno;
  // IFF_NOARP: nobody is asked for neighbours. Without it the kernel joins the groups that such
  // questions come in, and in the first seconds says so, and asks whether its address of the link
  // is somebody else's, from "::" (addrconf.c and mcast.c of net/ipv6). passt 2023_03_09 takes
  // where the last packet came from for the guest's address (tap6_handler in its tap.c): what is
  // for the guest then goes to "::", until the guest happens to say something.
  request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_NOARP;
  if (::ioctl(socket.Get(), SIOCSIFFLAGS, &request) != 0) return errno;
  const sockaddr_in gateway = SocketAddress(network.gateway);
  if (const int error = AddRoute(socket.Get(), network.gateway, ~0u, nullptr)) return error;
  // Nobody answers ARP.
  arpreq neighbour = {};
  Put(neighbour.arp_pa, gateway);
  neighbour.arp_ha.sa_family = ARPHRD_ETHER;
  memcpy(neighbour.arp_ha.sa_data, network.gateway_link.data(), network.gateway_link.size());
  neighbour.arp_flags = ATF_PERM | ATF_COM;
  memcpy(neighbour.arp_dev, kInterface, sizeof(kInterface));
  if (::ioctl(socket.Get(), SIOCSARP, &neighbour) != 0) return errno;
  if (const int error = AddRoute(socket.Get(), 0, 0, &gateway)) return error;
  return network.has_ipv6 == 1 ? ConfigureIpv6(network, index) : 0;
}

template <class Address>
int ConnectTo(int type, const Address& to, sa_family_t family) {
  const int socket = ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return socket;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 ||
      errno == EINPROGRESS)
    return socket;
  const int error = errno;
  ::close(socket);
  errno = error;
  return -1;
}

int Connect(int type, std::uint32_t address, std::uint16_t port) {
  return ConnectTo(type, SocketAddress(address, port), AF_INET);
}

int Connect(int type, const Network::Address6& address, std::uint16_t port) {
  sockaddr_in6 to = {};
  to.sin6_family = AF_INET6;
  memcpy(&to.sin6_addr, address.data(), address.size());
  to.sin6_port = htons(port);
  return ConnectTo(type, to, AF_INET6);
}

// 0 when the socket can be read: answered, or at its end.
int Await(int socket) {
  pollfd wait = {socket, POLLIN, 0};
  const int ready = ::poll(&wait, 1, kPatienceMilliseconds);
  if (ready == 0) return ETIMEDOUT;
  return Result(ready);
}

// A question for an A record.
int Ask(int socket, std::string_view name) {
  std::uint8_t question[300] = {'b', 'y', 1, 0, 0, 1};
  std::size_t at = 12;
  if (name.size() > 250) return ENAMETOOLONG;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    question[at++] = static_cast<std::uint8_t>(label.size());
    memcpy(question + at, label.data(), label.size());
    at += label.size();
    name.remove_prefix(label.size() < name.size() ? label.size() + 1 : name.size());
  }
  question[at + 2] = 1;  // after the root: A
  question[at + 4] = 1;  // of the internet
  return Result(::write(socket, question, at + 5));
}

// `address`: 0 where there must be no such name.
int IsResolved(int socket, std::uint32_t address) {
  if (const int error = Await(socket)) return error;
  std::uint8_t answer[512];
  const ssize_t size = ::read(socket, answer, sizeof(answer));
  if (size < 0) return errno;
  if (size < 16 || answer[0] != 'b' || answer[1] != 'y') return EPROTO;
  constexpr std::uint8_t kCode = 0x0f, kNoSuchName = 3;
  if (address == 0) return (answer[3] & kCode) == kNoSuchName ? 0 : EPROTO;
  const std::uint32_t wanted = htonl(address);
  const bool is_found = (answer[3] & kCode) == 0 && answer[7] == 1 &&
                        memcmp(answer + size - 4, &wanted, sizeof(wanted)) == 0;
  return is_found ? 0 : EPROTO;
}

int IsAnswered(int socket, std::string_view text) {
  if (const int error = Await(socket)) return error;
  char said[64];
  const ssize_t size = ::read(socket, said, sizeof(said));
  if (size < 0) return errno;
  return std::string_view(said, static_cast<std::size_t>(size)) == text ? 0 : EPROTO;
}

int IsReset(int socket) {
  if (socket < 0) return errno == ECONNREFUSED ? 0 : errno;
  if (const int error = Await(socket)) return error;
  char byte;
  const int error = ::read(socket, &byte, 1) < 0 ? errno : EPROTO;
  return error == ECONNREFUSED ? 0 : error;
}

// Within a time in which the gateway answers.
bool IsConnected(int socket) {
  constexpr int kMilliseconds = 300;
  pollfd wait = {socket, POLLOUT, 0};
  return socket >= 0 && ::poll(&wait, 1, kMilliseconds) == 1 &&
         (wait.revents & (POLLERR | POLLHUP)) == 0;
}

// One that nothing allows, of either family.
template <class Address>
int IsRefused(const Network& network, const Address& address) {
  const Descriptor closed(Connect(SOCK_STREAM, address, network.refused_port));
  if (network.resets != 0) return IsReset(closed.Get());
  return IsConnected(closed.Get()) ? EPROTO : 0;
}

int ProbeRefusals(const Network& network, const char*& failed) {
  failed = "connect to an address that nothing allows";
  if (const int error = IsRefused(network, network.refused)) return error;
  if (network.has_ipv6 != 1) return 0;
  failed = "connect to an IPv6 address that nothing allows";
  return IsRefused(network, network.refused6);
}

int Probe(const Network& network, const char*& failed) {
  // What is asked first is answered while the rest is tried.
  const Descriptor name(Connect(SOCK_DGRAM, network.gateway, kResolverPort));
  failed = "resolve a name that the gateway has";
  if (name.Get() < 0) return errno;
  if (const int error = Ask(name.Get(), network.name)) return error;
  const Descriptor refused(Connect(SOCK_DGRAM, network.gateway, kResolverPort));
  if (refused.Get() < 0) return errno;
  if (const int error = Ask(refused.Get(), network.refused_name)) return error;
  const Descriptor open(Connect(SOCK_STREAM, network.probe, network.probe_port));
  const Descriptor open6(
      network.has_ipv6 == 1 ? Connect(SOCK_STREAM, network.probe6, network.probe_port) : -1);
  // At once where somebody says so, else after a wait that nothing else is to stand behind.
  if (network.resets != 0)
    if (const int error = ProbeRefusals(network, failed)) return error;
  failed = "resolve a name that the gateway has";
  if (const int error = IsResolved(name.Get(), network.probe)) return error;
  failed = "resolve a name that nothing allows";
  if (const int error = IsResolved(refused.Get(), 0)) return error;
  failed = "connect to the gateway";
  if (open.Get() < 0) return ECONNREFUSED;
  if (const int error = IsAnswered(open.Get(), network.text)) return error;
  failed = "connect to the gateway over IPv6";
  if (network.has_ipv6 == 1) {
    if (open6.Get() < 0) return ECONNREFUSED;
    if (const int error = IsAnswered(open6.Get(), network.text)) return error;
  }
  return network.resets != 0 ? 0 : ProbeRefusals(network, failed);
}

}  // namespace

int SetUpNetwork(const Network& network, const char*& failed) {
  // The machine's, for all of its life: a machine has one program with a network.
  static bool is_set_up = false;
  failed = "set up the interface";
  if (!is_set_up) {
    if (const int error = Configure(network)) return error;
  }
  is_set_up = true;
  return Probe(network, failed);
}

int WriteResolver(const Network& network) {
  char address[INET_ADDRSTRLEN];
  const in_addr gateway = {htonl(network.gateway)};
  ::inet_ntop(AF_INET, &gateway, address, sizeof(address));
  Path text;
  text << "nameserver " << address << "\noptions timeout:5 attempts:2\n";
  ::mkdir("/etc", 0755);
  // Whatever the image has there; a link would lead to somewhere else in it.
  if (::unlink("/etc/resolv.conf") != 0 && errno != ENOENT) return errno;
  const Descriptor file(
      ::open("/etc/resolv.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (file.Get() < 0) return errno;
  const std::string_view bytes = text.Text();
  return Result(::write(file.Get(), bytes.data(), bytes.size()));
}

}  // namespace bailey::guest
