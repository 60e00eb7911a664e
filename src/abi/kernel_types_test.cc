// The arguments' types against what the running kernel says of its own entry points: the fields of
// its system call events (tracefs, mounted privately where it is not), and the parameters of its
// functions (BTF). Where one has nothing, the other may; what neither has is counted.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "abi/arguments.h"
#include "abi/syscalls.h"

#if defined(__x86_64__)
namespace bailey::abi {
namespace {

struct Type {
  unsigned bits = 64;
  bool is_signed = false;
  bool operator==(const Type&) const = default;
};
struct Parameter {
  std::string name;
  std::optional<Type> type;  // none: a name that nobody knows
  std::string text;          // the type as the kernel writes it
};
using Signatures = std::map<std::string, std::vector<Parameter>>;

// --- BTF (Documentation/bpf/btf.rst): records of 12 bytes, some with more behind them

class Btf {
 public:
  static std::optional<Btf> Read(const char* path) {
    std::ifstream file(path, std::ios::binary);
    Btf btf;
    btf.bytes_.assign(std::istreambuf_iterator<char>(file), {});
    if (btf.bytes_.size() < 24 || btf.Number<std::uint16_t>(0) != 0xeb9f) return std::nullopt;
    const std::size_t begin = btf.Number<std::uint32_t>(4);
    const std::size_t first = begin + btf.Number<std::uint32_t>(8);
    btf.strings_ = begin + btf.Number<std::uint32_t>(16);
    btf.FindRecords(first, first + btf.Number<std::uint32_t>(12));
    return btf;
  }

  // The functions whose names begin so, without that beginning.
  Signatures Functions(std::string_view prefix) const {
    Signatures found;
    for (const std::size_t record : records_) {
      if (record == 0 || KindOf(record) != kFunction) continue;
      const std::string name = NameOf(record);
      if (!name.starts_with(prefix)) continue;
      const std::size_t prototype = records_[Number<std::uint32_t>(record + 8)];
      std::vector<Parameter> parameters;
      for (std::size_t i = 0; i < CountOf(prototype); ++i) {
        const std::size_t at = prototype + 12 + 8 * i;
        const auto type = Number<std::uint32_t>(at + 4);
        // What entry points without arguments are handed.
        if (Text(Number<std::uint32_t>(at)) == "__unused") continue;
        parameters.push_back({Text(Number<std::uint32_t>(at)), Resolve(type), "BTF"});
      }
      found[name.substr(prefix.size())] = parameters;
    }
    return found;
  }

  // "pid_t", "unsigned int".
  std::optional<Type> Named(const std::string& name) const {
    const auto found = named_.find(name);
    return found == named_.end() ? std::nullopt : Resolve(found->second);
  }

 private:
  enum Kind : unsigned {
    kInteger = 1,
    kPointer,
    kArray,
    kStruct,
    kUnion,
    kEnum,
    kForward,
    kTypedef,
    kVolatile,
    kConst,
    kRestrict,
    kFunction,
    kPrototype,
    kVariable,
    kSection,
    kFloat,
    kDeclTag,
    kTypeTag,
    kEnum64,
  };

  template <class T>
  T Number(std::size_t at) const {
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof(T));
    return value;
  }
  std::string Text(std::uint32_t offset) const { return bytes_.data() + strings_ + offset; }
  std::string NameOf(std::size_t record) const { return Text(Number<std::uint32_t>(record)); }
  unsigned KindOf(std::size_t record) const {
    return Number<std::uint32_t>(record + 4) >> 24 & 0x1f;
  }
  std::size_t CountOf(std::size_t record) const {
    return Number<std::uint32_t>(record + 4) & 0xffff;
  }

  std::size_t SizeBehind(std::size_t record) const {
    switch (KindOf(record)) {
      case kInteger:
      case kVariable:
      case kDeclTag:
        return 4;
      case kArray:
        return 12;
      case kStruct:
      case kUnion:
      case kSection:
      case kEnum64:
        return 12 * CountOf(record);
      case kEnum:
      case kPrototype:
        return 8 * CountOf(record);
      default:
        return 0;
    }
  }

  void FindRecords(std::size_t at, std::size_t end) {
    records_.push_back(0);  // void
    while (at < end) {
      const unsigned kind = KindOf(at);
      const bool names_a_value = kind == kInteger || kind == kTypedef || kind == kEnum;
      const auto index = static_cast<std::uint32_t>(records_.size());
      if (names_a_value) named_.try_emplace((kind == kEnum ? "enum " : "") + NameOf(at), index);
      records_.push_back(at);
      at += 12 + SizeBehind(at);
    }
  }

  std::optional<Type> Resolve(std::uint32_t type) const {
    for (int depth = 0; depth < 16 && type != 0; ++depth) {
      const std::size_t record = records_[type];
      const auto size_or_type = Number<std::uint32_t>(record + 8);
      switch (KindOf(record)) {
        case kInteger:
          return Type{8 * size_or_type, (Number<std::uint32_t>(record + 12) >> 24 & 1) != 0};
        case kEnum:
          return Type{8 * size_or_type, Number<std::uint32_t>(record + 4) >> 31 != 0};
        case kPointer:
          return Type{};
        case kTypedef:
        case kVolatile:
        case kConst:
        case kRestrict:
        case kTypeTag:
          type = size_or_type;
          break;
        default:
          return std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::vector<char> bytes_;
  std::size_t strings_ = 0;
  std::vector<std::size_t> records_;
  std::map<std::string, std::uint32_t> named_;
};

// --- tracefs

constexpr std::string_view kEvents = "/sys/kernel/tracing/events/syscalls";

// Lines "call" and "\tfield:..." of all events, read by a child with mounts of its own.
std::string ReadEvents() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    std::error_code error;
    if (!std::filesystem::exists(kEvents, error)) {
      if (unshare(CLONE_NEWNS) != 0 ||
          mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          mount("none", "/sys/kernel/tracing", "tracefs", 0, nullptr) != 0)
        _exit(1);
    }
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(kEvents, error)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("sys_enter_")) continue;
      all += name.substr(10) + "\n";
      std::ifstream format(entry.path() / "format");
      for (std::string line; std::getline(format, line);) {
        if (line.starts_with("\tfield:")) all += line + "\n";
      }
    }
    for (std::size_t at = 0; at < all.size();) {
      const ssize_t written = write(ends[1], all.data() + at, all.size() - at);
      if (written <= 0) _exit(1);
      at += static_cast<std::size_t>(written);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char block[4096];
  for (ssize_t got; child > 0 && (got = read(ends[0], block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  if (child > 0) (void)waitpid(child, &status, 0);
  return text;
}

std::optional<Type> TypeOf(std::string text, const Btf& btf) {
  if (text.find('*') != std::string::npos) return Type{};
  if (text.starts_with("const ")) text = text.substr(6);
  // As C lets one write what BTF names in full.
  static const std::map<std::string, std::string> kInFull = {
      {"unsigned", "unsigned int"}, {"unsigned long", "long unsigned int"}, {"long", "long int"}};
  const auto in_full = kInFull.find(text);
  return btf.Named(in_full == kInFull.end() ? text : in_full->second);
}

Signatures ReadTracefs(const Btf& btf) {
  // Calls whose entry points have other names.
  static const std::map<std::string, std::string> kCalls = {
      {"newstat", "stat"},   {"newlstat", "lstat"}, {"newfstat", "fstat"},
      {"newuname", "uname"}, {"umount", "umount2"}, {"sendfile64", "sendfile"}};
  Signatures found;
  std::istringstream lines(ReadEvents());
  std::vector<Parameter>* parameters = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("\tfield:")) {
      const auto renamed = kCalls.find(line);
      parameters = &found[renamed == kCalls.end() ? line : renamed->second];
      continue;
    }
    const std::string declaration = line.substr(7, line.find(';') - 7);
    const std::size_t space = declaration.rfind(' ');
    const std::string name = declaration.substr(space + 1);
    if (name.starts_with("common_") || name == "__syscall_nr") continue;
    const std::string type = declaration.substr(0, space);
    parameters->push_back({name, TypeOf(type, btf), type});
  }
  return found;
}

// --- the comparison

// Entry points that take a word and read only its low half, or another part of it, by what they do
// with it (data/signatures.txt names the function): our type is what is read.
const std::set<std::pair<std::string, std::string>> kNarrowed = {
    {"clone", "clone_flags"},  // lower_32_bits()
    {"mbind", "mode"},         // sanitize_mpol_flags() takes an int
    {"mmap", "fd"},            // ksys_mmap_pgoff(): fget(unsigned int)
    {"readv", "fd"},          {"preadv", "fd"},
    {"preadv2", "fd"},  // do_readv(): fdget(unsigned int)
    {"writev", "fd"},         {"pwritev", "fd"},
    {"pwritev2", "fd"},
};

std::string Describe(Type type) {
  return (type.is_signed ? "signed " : "unsigned ") + std::to_string(type.bits);
}

struct Counts {
  std::size_t calls = 0, arguments = 0, narrowed = 0;
  std::set<std::string> without_signature;
};

void Compare(const std::string& source, const Signatures& theirs, Counts& counts) {
  for (const auto& [call, parameters] : theirs) {
    if (!Number(Arch::kX86_64, call)) continue;
    if (!HasSignature(Arch::kX86_64, call)) {
      counts.without_signature.insert(call);
      continue;
    }
    const ArgumentList ours = Arguments(Arch::kX86_64, call);
    ++counts.calls;
    EXPECT_EQ(ours.size(), parameters.size()) << source << ": " << call;
    for (std::size_t i = 0; i < std::min(ours.size(), parameters.size()); ++i) {
      const Parameter& their = parameters[i];
      if (!their.type) {
        ADD_FAILURE() << source << ": " << call << " " << their.name << ": type " << their.text
                      << " is unknown";
        continue;
      }
      ++counts.arguments;
      const Type our = {Bits(ours[i].type, Arch::kX86_64), IsSigned(ours[i].type)};
      // A whole register has no sign to lose.
      const bool same = our.bits == their.type->bits &&
                        (our.bits == 64 || our.is_signed == their.type->is_signed);
      if (same) continue;
      if (kNarrowed.contains({call, std::string(ours[i].name)})) {
        ++counts.narrowed;
        continue;
      }
      ADD_FAILURE() << source << ": " << call << " " << ours[i].name << ": " << Describe(our)
                    << " here, " << Describe(*their.type) << " (" << their.text
                    << ") in the running kernel";
    }
  }
}

TEST(KernelTypes, ArgumentsAreThoseOfTheRunningKernel) {
  const auto btf = Btf::Read("/sys/kernel/btf/vmlinux");
  if (!btf) GTEST_SKIP() << "the kernel has no /sys/kernel/btf/vmlinux";
  const Signatures events = ReadTracefs(*btf);
  if (events.empty())
    std::cout << "tracefs: not there, or not ours to mount: only BTF is compared\n";
  Counts by_events;
  Compare("tracefs", events, by_events);
  const Signatures functions = btf->Functions("__do_sys_");
  Counts by_functions;
  Compare("BTF", functions, by_functions);
  if (events.empty() && functions.empty())
    GTEST_SKIP() << "the kernel's BTF has no functions __do_sys_*, and there is no tracefs";
  std::size_t unseen = 0;
  for (const Syscall& call : Syscalls(Arch::kX86_64)) {
    const std::string name(call.name);
    unseen += events.contains(name) || functions.contains(name) ? 0 : 1;
  }
  std::cout << "tracefs: " << by_events.calls << " calls, " << by_events.arguments
            << " arguments; BTF: " << by_functions.calls << " calls, " << by_functions.arguments
            << " arguments; narrower here for a reason: " << by_events.narrowed << " and "
            << by_functions.narrowed << "; in neither: " << unseen << " of "
            << Syscalls(Arch::kX86_64).size() << "; no signature here: ";
  for (const std::string& call : by_events.without_signature) std::cout << call << " ";
  std::cout << "\n";
  EXPECT_GT(by_events.calls + by_functions.calls, 50u);
}

}  // namespace
}  // namespace bailey::abi
#endif
