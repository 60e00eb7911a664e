#include <fmt/format.h>

#include "compat/bubblewrap_options.h"

namespace bailey::compat {
namespace {

struct Line {
  std::string_view option, text;
};

constexpr Line kLines[] = {
    {"--help", "Print this"},
    {"--version", "Print the version of bubblewrap that this follows"},
    {"--args FD", "Read further options from FD, each ended by a NUL byte"},
    {"--argv0 VALUE", "Start the command with this as its argv[0]"},
    {"--level-prefix", "Begin each message with its severity, as <3>"},
    {"--unshare-all", "All namespaces that can be had"},
    {"--share-net", "But keep the caller's network"},
    {"--unshare-user", "A user namespace; always, when not called by root"},
    {"--unshare-user-try", "The same where that is possible"},
    {"--unshare-ipc", "An IPC namespace"},
    {"--unshare-pid", "A pid namespace"},
    {"--unshare-net", "A network namespace, with a loopback of its own"},
    {"--unshare-uts", "A namespace for the host's name"},
    {"--unshare-cgroup", "A cgroup namespace"},
    {"--unshare-cgroup-try", "The same where that is possible"},
    {"--userns FD", "Join this user namespace"},
    {"--userns2 FD", "And this one, when the root is made"},
    {"--disable-userns", "No further user namespaces inside (needs --unshare-user)"},
    {"--assert-userns-disabled", "Fail where further ones can be made inside"},
    {"--pidns FD", "Join this pid namespace; with --unshare-pid, make one below it"},
    {"--uid UID", "The user inside (needs a user namespace)"},
    {"--gid GID", "The group inside (needs a user namespace)"},
    {"--hostname NAME", "The host's name inside (needs --unshare-uts)"},
    {"--chdir DIR", "Start there"},
    {"--clearenv", "Start without environment variables, but PWD"},
    {"--setenv VAR VALUE", "Set one"},
    {"--unsetenv VAR", "Take one away"},
    {"--lock-file DEST", "Hold a lock for reading on it while the sandbox lives"},
    {"--sync-fd FD", "Hold it open while the sandbox lives"},
    {"--bind SRC DEST", "Show SRC of the host at DEST, writable"},
    {"--bind-try SRC DEST", "The same, if it is there"},
    {"--dev-bind SRC DEST", "Show it with the devices in it"},
    {"--dev-bind-try SRC DEST", "The same, if it is there"},
    {"--ro-bind SRC DEST", "Show it read-only"},
    {"--ro-bind-try SRC DEST", "The same, if it is there"},
    {"--bind-fd FD DEST", "Show what FD, a directory or O_PATH, refers to"},
    {"--ro-bind-fd FD DEST", "The same, read-only"},
    {"--remount-ro DEST", "Make the mount at DEST, and none below it, read-only"},
    {"--overlay-src SRC", "A lower layer of the overlay that follows; the last one is on top"},
    {"--overlay RWSRC WORKDIR DEST", "An overlay that keeps changes in RWSRC"},
    {"--tmp-overlay DEST", "An overlay that forgets changes"},
    {"--ro-overlay DEST", "An overlay that takes none"},
    {"--exec-label LABEL", "An SELinux label for the command"},
    {"--file-label LABEL", "An SELinux label for files made here"},
    {"--proc DEST", "A procfs"},
    {"--dev DEST", "A /dev with six harmless devices and terminals of its own"},
    {"--tmpfs DEST", "A tmpfs"},
    {"--mqueue DEST", "A file system of message queues"},
    {"--dir DEST", "A directory, if there is none"},
    {"--file FD DEST", "A file of what FD has to be read"},
    {"--bind-data FD DEST", "The same as a file that is mounted"},
    {"--ro-bind-data FD DEST", "The same, read-only"},
    {"--symlink SRC DEST", "A symlink at DEST that reads SRC"},
    {"--seccomp FD", "Attach the seccomp filter that FD has to be read"},
    {"--add-seccomp-fd FD", "The same, as often as it is given"},
    {"--block-fd FD", "Start the command when FD has something to be read"},
    {"--userns-block-fd FD", "The same before ids are used, so that others may map them"},
    {"--info-fd FD", "Write to FD, as JSON, what the sandbox is"},
    {"--json-status-fd FD", "Write to FD, a line of JSON each, what becomes of it"},
    {"--new-session", "A terminal session of its own"},
    {"--die-with-parent", "Kill the sandbox when its caller dies"},
    {"--as-pid-1", "Start the command as process 1, with nobody to reap for it"},
    {"--cap-add CAP", "Keep this capability, or ALL"},
    {"--cap-drop CAP", "Drop this capability, or ALL"},
    {"--perms OCTAL", "The mode of what the next option makes"},
    {"--size BYTES", "The size of the tmpfs that follows"},
    {"--chmod OCTAL PATH", "Change the mode of what is there"},
    {"--bailey-policy POLICY",
     "bailey's own: filter, Landlock and limits of this policy on top of all that"},
};

}  // namespace

std::string BubblewrapHelp() {
  std::string text = "usage: bwrap [OPTIONS...] [--] COMMAND [ARGS...]\n\n";
  for (const Line& line : kLines) text += fmt::format("    {:<28} {}\n", line.option, line.text);
  return text;
}

}  // namespace bailey::compat
