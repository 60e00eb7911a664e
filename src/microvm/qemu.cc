#include "microvm/qemu.h"

#include <fmt/format.h>

#include "microvm/guest_network.h"

namespace bailey::microvm {

namespace {

// What the machine has room for with one interrupt controller; with two it is three times as many,
// and each place for a device is 36 KiB that QEMU writes to.
constexpr std::size_t kFewDevices = 8;

std::size_t CountDevices(const QemuPlan& plan) {
  return 1 + plan.drives.size() + (plan.network >= 0 ? 1 : 0);
}

void AddCopying(const QemuPlan& plan, std::vector<std::string>& words) {
  for (const std::string& word :
       {std::string("-object"),
        fmt::format("memory-backend-file,id=memory,size={}M,mem-path=/proc/self/fd/{},share={}",
                    plan.memory_mib, plan.copying->memory, plan.copying->state >= 0 ? "off" : "on"),
        std::string("-chardev"), fmt::format("socket,id=monitor,fd={}", plan.copying->monitor),
        std::string("-mon"), std::string("chardev=monitor,mode=control")})
    words.push_back(word);
  if (plan.copying->state >= 0) words.insert(words.end(), {"-incoming", "defer"});
}

}  // namespace

std::vector<std::string> QemuArguments(const QemuPlan& plan) {
  // Quiet: there is no console. A kernel that panics restarts, which -no-reboot makes the end.
  // Grace periods that nobody hurries take several ticks of the clock each, and nothing else runs.
  // Of the security modules those that something is asked of: others (AppArmor) have no policy
  // there, and a say in every call all the same.
  // What the kernel looks at again and again (pressure, stuck processors, its own counters) costs
  // most where the machine does nothing else.
  std::string boot =
      "quiet loglevel=1 panic=-1 reboot=t audit=0 rcupdate.rcu_expedited=1 lsm=landlock,yama psi=0 "
      "nowatchdog no5lvl noautogroup sysctl.vm.stat_interval=600 "
      "sysctl.vm.compaction_proactiveness=0";
  // What keeps a processor from guessing where indirect calls lead (retpolines, a return stack that
  // is filled at each switch) does nothing under TCG: there every one of them, a retpoline's return
  // included, becomes the same jump of the host's. It is pieces to translate and to keep.
  if (!plan.kvm) boot += " spectre_v2=off";
  // Under TCG the guest's own calibration hangs in a kernel with ACPI.
  if (!plan.kvm && plan.kilohertz > 0)
    boot += fmt::format(" tsc_early_khz={} tsc=reliable", plan.kilohertz);
  std::vector<std::string> words = {
      kQemu, "-M",
      // Without the clock chip a start takes two seconds more.
      fmt::format("microvm,acpi=on,rtc=on,isa-serial=off,x-option-roms=off{}{}",
                  CountDevices(plan) <= kFewDevices ? ",ioapic2=off" : "",
                  plan.copying ? ",memory-backend=memory" : ""),
      "-accel",
      // Translated code takes a gigabyte where no bound is given.
      plan.kvm ? "kvm" : "tcg,tb-size=64",
      // A processor that is fast with strings is asked to move them byte by byte, which an emulated
      // one then does.
      "-cpu", plan.kvm ? "host" : "max,-erms", "-smp", "1", "-m",
      fmt::format("{}M", plan.memory_mib), "-nodefaults", "-no-user-config", "-display", "none",
      "-serial", "none", "-monitor", "none", "-no-reboot", "-sandbox",
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", "-global",
      "virtio-mmio.force-legacy=false", "-kernel", fmt::format("/proc/self/fd/{}", plan.kernel),
      "-initrd", fmt::format("/proc/self/fd/{}", plan.initramfs), "-append", boot, "-device",
      // Of the ports of a console one is ours; each has queues, of 31 where no number is given.
      "virtio-serial-device,max_ports=2", "-chardev",
      fmt::format("socket,id=line,fd={}", plan.line), "-device",
      "virtserialport,chardev=line,name=bailey"};
  int set = 0;
  for (const Drive& drive : plan.drives) {
    ++set;
    const std::string node =
        fmt::format("driver=file,node-name=drive{0},filename=/dev/fdset/{0},locking=off{1}", set,
                    drive.write ? "" : ",read-only=on");
    for (const std::string& word :
         {std::string("-add-fd"), fmt::format("fd={},set={}", drive.descriptor, set),
          std::string("-blockdev"), node, std::string("-device"),
          fmt::format("virtio-blk-device,drive=drive{},serial={}", set, drive.serial)})
      words.push_back(word);
  }
  if (plan.network >= 0) {
    const char* const kind =
        plan.stream ? "stream,id=network,server=off,addr.type=fd,addr.str=" : "tap,id=network,fd=";
    words.insert(words.end(), {"-netdev", fmt::format("{}{}", kind, plan.network), "-device",
                               fmt::format("virtio-net-device,netdev=network,mac={:02x}",
                                           fmt::join(kGuestLink, ":"))});
  }
  if (plan.copying) AddCopying(plan, words);
  return words;
}

}  // namespace bailey::microvm
