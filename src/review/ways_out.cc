#include "review/ways_out.h"

#include "review/sight.h"
#include "sandbox/pattern.h"

namespace bailey::review {
namespace {

constexpr std::string_view kEngine = "confinement/engine-socket";
constexpr std::string_view kServices = "confinement/host-sockets";
constexpr std::string_view kSecrets = "confinement/home-secrets";
constexpr std::string_view kStartup = "confinement/startup-files";
constexpr std::string_view kHostFiles = "confinement/host-files-writable";
constexpr std::string_view kDevices = "confinement/host-devices";
constexpr std::string_view kKernelFiles = "confinement/kernel-files";

constexpr Severity kCritical = Severity::kCritical;
constexpr Severity kHigh = Severity::kHigh;
constexpr Severity kMedium = Severity::kMedium;

constexpr WayOut kWays[] = {
    {kEngine, "/run/docker.sock", "starts containers as root, with any mount", WayKind::kSocket,
     kCritical},
    {kEngine, "/run/containerd/containerd.sock", "starts containers as root", WayKind::kSocket,
     kCritical},
    {kEngine, "/run/crio/crio.sock", "starts containers as root", WayKind::kSocket, kCritical},
    {kEngine, "/run/podman/podman.sock", "starts containers as root", WayKind::kSocket, kCritical},
    {kEngine, "/run/user/*/podman/podman.sock", "starts containers as the user", WayKind::kSocket,
     kHigh},
    {kEngine, "/run/user/*/docker.sock", "starts containers as the user", WayKind::kSocket, kHigh},
    {kEngine, "/run/libvirt/libvirt-sock", "starts machines with any disk", WayKind::kSocket,
     kCritical},

    {kServices, "/run/systemd/private", "gives the service manager orders", WayKind::kSocket,
     kCritical, true},
    {kServices, "/run/dbus/system_bus_socket", "speaks with every service of the system",
     WayKind::kSocket, kMedium},
    {kServices, "/run/user/*/bus", "starts programs outside through the user's services",
     WayKind::kSocket, kHigh},
    {kServices, "/run/user/*/systemd/private", "starts programs outside as the user",
     WayKind::kSocket, kHigh},
    {kServices, "/run/user/*/keyring/ssh", "signs with the user's SSH keys", WayKind::kSocket,
     kHigh},
    {kServices, "/run/user/*/gnupg/S.gpg-agent", "signs and decrypts with the user's keys",
     WayKind::kSocket, kHigh},
    {kServices, "/run/user/*/gnupg/S.gpg-agent.ssh", "signs with the user's SSH keys",
     WayKind::kSocket, kHigh},
    {kServices, "/run/user/*/wayland-0", "draws on the user's screen", WayKind::kSocket, kMedium},
    {kServices, "/tmp/.X11-unix/X0", "reads every key and types into every window",
     WayKind::kSocket, kHigh},

    {kSecrets, "~/.ssh", "SSH keys"},
    {kSecrets, "~/.gnupg", "private keys"},
    {kSecrets, "~/.aws", "cloud credentials"},
    {kSecrets, "~/.azure", "cloud credentials"},
    {kSecrets, "~/.config/gcloud", "cloud credentials"},
    {kSecrets, "~/.kube", "cluster credentials"},
    {kSecrets, "~/.docker/config.json", "registry credentials"},
    {kSecrets, "~/.netrc", "passwords"},
    {kSecrets, "~/.git-credentials", "passwords"},
    {kSecrets, "~/.npmrc", "registry tokens"},
    {kSecrets, "~/.pypirc", "registry passwords"},
    {kSecrets, "/etc/shadow", "password hashes", WayKind::kRead, kMedium, true},

    {kStartup, "~/.bashrc", "runs in the user's next shell", WayKind::kWrite},
    {kStartup, "~/.profile", "runs at the user's next login", WayKind::kWrite},
    {kStartup, "~/.zshrc", "runs in the user's next shell", WayKind::kWrite},
    {kStartup, "~/.ssh/authorized_keys", "lets others log in", WayKind::kWrite},
    {kStartup, "~/.ssh/config", "runs at the user's next ssh", WayKind::kWrite},
    {kStartup, "~/.gitconfig", "runs at the user's next git", WayKind::kWrite},
    {kStartup, "~/.config/autostart", "runs at the user's next session", WayKind::kWrite},
    {kStartup, "~/.config/systemd/user", "runs at the user's next session", WayKind::kWrite},

    {kHostFiles, "/etc/passwd", "makes an account", WayKind::kWrite, kCritical, true},
    {kHostFiles, "/etc/ld.so.preload", "runs in every program of the host", WayKind::kWrite,
     kCritical, true},
    {kHostFiles, "/etc/cron.d", "runs as root", WayKind::kWrite, kCritical, true},
    {kHostFiles, "/etc/systemd/system", "runs as root", WayKind::kWrite, kCritical, true},
    {kHostFiles, "/usr/bin", "is run by everybody", WayKind::kWrite, kCritical, true},
    {kHostFiles, "/usr/lib", "is loaded by everybody", WayKind::kWrite, kCritical, true},
    {kHostFiles, "/boot", "is run at the next start", WayKind::kWrite, kCritical, true},
    {kHostFiles, "/var/spool/cron", "runs as root", WayKind::kWrite, kCritical, true},
    {kHostFiles, "/var/lib/docker", "is in every container", WayKind::kWrite, kCritical, true},
    {kHostFiles, "/var/lib/kubelet", "is in every pod", WayKind::kWrite, kCritical, true},

    {kDevices, "/dev/mem", "reads and writes the machine's memory", WayKind::kDevice, kCritical,
     true},
    {kDevices, "/dev/kmem", "reads and writes the kernel's memory", WayKind::kDevice, kCritical,
     true},
    {kDevices, "/dev/port", "drives the machine's hardware", WayKind::kDevice, kCritical, true},
    {kDevices, "/dev/sda", "reads and writes a whole disk", WayKind::kDevice, kCritical, true},
    {kDevices, "/dev/vda", "reads and writes a whole disk", WayKind::kDevice, kCritical, true},
    {kDevices, "/dev/nvme0n1", "reads and writes a whole disk", WayKind::kDevice, kCritical, true},
    {kDevices, "/dev/uinput", "types into the host's sessions", WayKind::kDevice, kHigh, true},
    {kDevices, "/dev/loop-control", "makes block devices of files", WayKind::kDevice, kMedium,
     true},
    {kDevices, "/dev/kmsg", "reads the kernel's log", WayKind::kDevice, Severity::kLow, true},
    {kDevices, "/dev/kvm", "runs machines, with a large part of the kernel behind it",
     WayKind::kDevice, kMedium},
    {kDevices, "/dev/net/tun", "makes network interfaces", WayKind::kDevice, Severity::kLow},
    {kDevices, "/dev/fuse", "answers for files that the kernel reads", WayKind::kDevice,
     Severity::kLow},

    {kKernelFiles, "/proc/sys/kernel/core_pattern",
     "names a program that the kernel runs outside, as root", WayKind::kWrite, kCritical, true},
    {kKernelFiles, "/proc/sys/kernel/modprobe",
     "names a program that the kernel runs outside, as root", WayKind::kWrite, kCritical, true},
    {kKernelFiles, "/proc/sysrq-trigger", "restarts or stops the machine", WayKind::kWrite, kHigh,
     true},
    {kKernelFiles, "/sys/kernel/uevent_helper",
     "names a program that the kernel runs outside, as root", WayKind::kWrite, kCritical, true},
    {kKernelFiles, "/sys/firmware/efi/efivars", "changes what the machine starts with",
     WayKind::kWrite, kHigh, true},
    {kKernelFiles, "/sys/kernel/debug", "reaches the kernel's inside", WayKind::kWrite, kHigh,
     true},
};

}  // namespace

std::span<const WayOut> WaysOut() { return kWays; }

std::vector<std::string> PathsOf(const WayOut& way, const Confinement& confinement) {
  if (!way.path.starts_with('~')) return {std::string(way.path)};
  std::vector<std::string> paths;
  for (const std::string& home : HomesOf(confinement))
    paths.push_back(home + std::string(way.path.substr(1)));
  return paths;
}

bool StandsFor(std::string_view pattern, std::string_view path) {
  return sandbox::Matches(pattern, path);
}

}  // namespace bailey::review
