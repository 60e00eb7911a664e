#include "microvm/qemu.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace bailey::microvm {
namespace {

TEST(Qemu, TheWholeCommandLine) {
  QemuPlan plan;
  plan.memory_mib = 512;
  plan.kilohertz = 2'000'000;
  plan.kernel = 5;
  plan.initramfs = 6;
  plan.line = 7;
  plan.drives = {{"root", false, 8}, {"changes", true, 9}};
  EXPECT_EQ(
      fmt::format("{}", fmt::join(QemuArguments(plan), " ")),
      "qemu-system-x86_64 -M microvm,acpi=on,rtc=on,isa-serial=off,x-option-roms=off,ioapic2=off "
      "-accel tcg,tb-size=64 -cpu max,-erms -smp 1 -m 512M -nodefaults -no-user-config -display "
      "none "
      "-serial none -monitor none -no-reboot "
      "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
      "-global virtio-mmio.force-legacy=false -kernel /proc/self/fd/5 -initrd /proc/self/fd/6 "
      "-append quiet loglevel=1 panic=-1 reboot=t audit=0 rcupdate.rcu_expedited=1 "
      "lsm=landlock,yama psi=0 nowatchdog no5lvl noautogroup sysctl.vm.stat_interval=600 "
      "sysctl.vm.compaction_proactiveness=0 spectre_v2=off tsc_early_khz=2000000 "
      "tsc=reliable -device virtio-serial-device,max_ports=2 -chardev socket,id=line,fd=7 "
      "-device virtserialport,chardev=line,name=bailey "
      "-add-fd fd=8,set=1 "
      "-blockdev driver=file,node-name=drive1,filename=/dev/fdset/1,locking=off,read-only=on "
      "-device virtio-blk-device,drive=drive1,serial=root "
      "-add-fd fd=9,set=2 -blockdev driver=file,node-name=drive2,filename=/dev/fdset/2,locking=off "
      "-device virtio-blk-device,drive=drive2,serial=changes");
}

TEST(Qemu, HasASecondInterruptControllerWhereThereAreManyDevices) {
  QemuPlan plan;
  const auto machine = [&plan] { return QemuArguments(plan)[2]; };
  for (int i = 0; i < 7; ++i) plan.drives.push_back({"slot", false, 10 + i});
  EXPECT_EQ(machine(), "microvm,acpi=on,rtc=on,isa-serial=off,x-option-roms=off,ioapic2=off");
  plan.network = 20;
  EXPECT_EQ(machine(), "microvm,acpi=on,rtc=on,isa-serial=off,x-option-roms=off");
}

TEST(Qemu, UnderKvmKeepsWhatTheProcessorNeeds) {
  QemuPlan plan;
  const auto boot = [&plan] {
    const auto words = QemuArguments(plan);
    return *(std::ranges::find(words, "-append") + 1);
  };
  EXPECT_NE(boot().find(" spectre_v2=off"), std::string::npos);
  plan.kvm = true;
  EXPECT_EQ(boot().find("spectre"), std::string::npos);
}

TEST(Qemu, WhatOneThatIsCopiedHasBeside) {
  QemuPlan plan;
  plan.kernel = 5;
  plan.initramfs = 6;
  plan.line = 7;
  const auto without = QemuArguments(plan);
  plan.copying = {8, 9};
  const auto original = QemuArguments(plan);
  plan.copying->state = 10;
  const auto copy = QemuArguments(plan);
  const auto last = [&without](const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words.begin() + static_cast<std::ptrdiff_t>(without.size()),
                                       words.end(), " "));
  };
  EXPECT_EQ(original[2],
            "microvm,acpi=on,rtc=on,isa-serial=off,x-option-roms=off,ioapic2=off,"
            "memory-backend=memory");
  EXPECT_EQ(last(original),
            "-object memory-backend-file,id=memory,size=256M,mem-path=/proc/self/fd/8,share=on "
            "-chardev socket,id=monitor,fd=9 -mon chardev=monitor,mode=control");
  EXPECT_EQ(last(copy),
            "-object memory-backend-file,id=memory,size=256M,mem-path=/proc/self/fd/8,share=off "
            "-chardev socket,id=monitor,fd=9 -mon chardev=monitor,mode=control -incoming defer");
}

}  // namespace
}  // namespace bailey::microvm
