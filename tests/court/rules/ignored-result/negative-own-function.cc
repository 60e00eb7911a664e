#include <string>

// The project's own function of that name reports errors by ending the process.
void mount(const std::string& what) {
  if (what.empty()) std::abort();
}

struct Disk {
  void chroot(const char*);
};

void Start(Disk& disk) {
  mount("/proc");
  disk.chroot("/srv");
}
