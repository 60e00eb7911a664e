#include "elf/reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>

#include "abi/syscalls.h"
#include "elf/code.h"

namespace bailey::elf {
namespace {

constexpr std::size_t kMostOpenings = 16, kMostQuestions = 4096;
// From the kernel's own page (vDSO), where the clock cannot be read without it; and what the kernel
// makes of a call that a signal interrupted.
constexpr std::uint32_t kAlways64[] = {96, 201, 219, 228, 229, 309};
constexpr std::uint32_t kAlways32[] = {0, 13, 78, 265, 266, 403, 406};
// The loader looks it up by name.
constexpr std::string_view kLoadersOwn[] = {"__libc_early_init"};
constexpr std::string_view kLoading[] = {"dlopen", "dlmopen"};
constexpr std::string_view kEnding[] = {
    "_Exit", "__assert_fail", "__chk_fail", "__fortify_fail", "__stack_chk_fail",
    "_exit", "abort",         "exit",       "quick_exit"};
// glibc lets every thread change its ids by numbers that it keeps in memory; there are no others.
constexpr std::string_view kIdsOfThreads[] = {"setgid",    "setgroups", "setregid", "setresgid",
                                              "setresuid", "setreuid",  "setuid"};

}  // namespace

struct Object::Facts {
  struct Edge {
    std::uint64_t from = 0;     // the instruction
    std::uint64_t address = 0;  // code, or a word that the loader fills
    bool is_called = false;     // else its address is taken
  };
  struct Site {
    std::uint64_t address = 0;
    bool is_32_bit = false;
    Values values;
  };
  std::vector<Edge> edges;
  std::vector<Site> sites;
  bool is_too_large = false;
  std::uint64_t size = 0;
};

Object::Object(Image image) : image_(std::move(image)) {}
Object::~Object() = default;
Object::Object(Object&&) noexcept = default;

namespace {

void AddEdges(const Image& image, const Code& code, const Piece& unit, Object::Facts& facts) {
  using Flow = Instruction::Flow;
  const auto is_inside = [&](std::uint64_t address) {
    return address >= unit.begin && address < unit.end;
  };
  for (const Instruction& one : code.instructions) {
    // In loose code every call is to code of its own.
    const bool is_own = is_inside(one.target) && !(unit.is_loose && one.flow == Flow::kCall);
    if (one.target != 0 && !is_own) facts.edges.push_back({one.address, one.target, true});
    const bool goes_on = one.flow == Flow::kOn || one.flow == Flow::kBranch;
    // Into the next unit. Not behind a call: compilers let a function end so where it does not
    // come back.
    if (goes_on && one.address + one.size == unit.end)
      facts.edges.push_back({one.address, unit.end, true});
  }
  for (const Reference& reference : code.references) {
    const bool is_known =
        image.slots.contains(reference.address) ||
        (image.IsFunction(reference.address) && (unit.is_loose || !is_inside(reference.address)));
    if (is_known) facts.edges.push_back({reference.from, reference.address, reference.is_called});
  }
}

}  // namespace

// Of a call within the image, or through one of its words.
bool Object::CanReturn(const Code& code, const Instruction& call) {
  std::uint64_t word = call.target == 0 ? 0 : SlotOfStub(image_, call.target);
  if (call.target != 0 && word == 0) {
    const auto [at, is_new] = returns_.try_emplace(call.target, true);
    if (is_new) at->second = Returns(image_, call.target);
    return at->second;
  }
  for (const Reference& reference : code.references)
    if (word == 0 && reference.from == call.address) word = reference.address;
  const auto slot = image_.slots.find(word);
  return slot == image_.slots.end() ||
         std::ranges::find(kEnding, slot->second) == std::end(kEnding);
}

Values Object::ValuesBefore(std::uint64_t begin, std::uint64_t instruction, Register wanted) {
  // Those who ask do so about one function after the other.
  if (!asked_about_ || begin != asked_begin_) {
    asked_about_ = std::make_unique<Code>(Decode(image_, begin, Detail::kValues));
    asked_begin_ = begin;
  }
  const Code& code = *asked_about_;
  const Ways ways(code, [&](const Instruction& call) { return CanReturn(code, call); });
  const auto index = ways.IndexOf(instruction);
  if (!index) return {.known = {}, .unknown = instruction, .loaded = std::nullopt};
  // What goes on runs into other code, behind its end.
  const bool goes_on = code.instructions[*index].flow == Instruction::Flow::kOn;
  return goes_on ? ways.Behind(*index, wanted) : ways.Before(*index, wanted);
}

bool Object::IsInstruction(std::uint64_t begin, std::uint64_t address) {
  if (begin == address) return true;
  const auto [at, is_new] = starts_.try_emplace(begin);
  if (is_new) {
    at->second.resize(image_.UnitAt(begin)->end - begin);
    for (const Instruction& one : Decode(image_, begin, Detail::kFlow).instructions)
      at->second[one.address - begin] = true;
  }
  return at->second[address - begin];
}

const Object::Facts& Object::FactsOf(std::uint64_t begin) {
  auto& facts = facts_[begin];
  if (facts) return *facts;
  facts = std::make_unique<Facts>();
  const Piece& unit = *image_.UnitAt(begin);
  Code code = Decode(image_, begin, Detail::kFlow);
  facts->is_too_large = code.instructions.empty();
  for (const Instruction& one : code.instructions) facts->size += one.size;
  AddEdges(image_, code, unit, *facts);
  const auto enters = [](const Instruction& one) { return one.enters != Instruction::Enters::kNo; };
  if (std::ranges::none_of(code.instructions, enters)) return *facts;
  code = Decode(image_, begin, Detail::kValues);
  const Ways ways(code, [&](const Instruction& call) { return CanReturn(code, call); });
  for (std::size_t i = 0; i < code.instructions.size(); ++i)
    if (const Instruction& one = code.instructions[i]; enters(one))
      facts->sites.push_back(
          {one.address, one.enters == Instruction::Enters::k32Bit, ways.Before(i, kAccumulator)});
  return *facts;
}

namespace {

// Code of an object: from where a unit begins, or from within one, where what leads there is no
// instruction of the unit as it is decoded from its beginning.
struct Node {
  std::size_t object = 0;
  std::uint64_t begin = 0;
  auto operator<=>(const Node&) const = default;
};

class Reach {
 public:
  explicit Reach(const std::vector<Object*>& objects) : objects_(objects) {}

  Bound Find() && {
    AddRoots();
    while (!waiting_.empty()) {
      const Node node = waiting_.front();
      waiting_.pop_front();
      Visit(node);
    }
    for (; !asks_.empty(); asks_.pop_front()) FollowToCallers(Ask(asks_.front()));
    AddKernelsOwn();
    bound_.units = reached_.size();
    return std::move(bound_);
  }

 private:
  // A call whose number came into a unit with a register.
  struct Ask {
    Node node;
    Register wanted = 0;
    abi::Arch arch = abi::Arch::kX86_64;
    std::string where;
  };
  struct Caller {
    Node node;
    std::uint64_t from = 0;
  };

  const Image& ImageOf(std::size_t object) const { return objects_[object]->TheImage(); }

  void AddRoots() {
    for (std::size_t i = 0; i < objects_.size(); ++i) {
      const Image& image = ImageOf(i);
      // The entry of a library that can be executed is nobody's; the loader's is the kernel's.
      const bool is_started = i == 0 || image.name == interpreter_;
      if (i == 0) interpreter_ = image.interpreter.substr(image.interpreter.rfind('/') + 1);
      if (is_started) Take(i, image.entry);
      for (const std::uint64_t root : image.roots) Take(i, root);
      for (const std::string_view symbol : image.root_symbols) TakeSymbol(symbol);
    }
    for (const std::string_view symbol : kLoadersOwn) TakeSymbol(symbol);
  }

  void Go(const Node& node) {
    if (reached_.insert(node).second) waiting_.push_back(node);
  }

  std::vector<Node> NodesAt(std::size_t object, std::uint64_t address) {
    const Piece* const unit = ImageOf(object).UnitAt(address);
    if (unit == nullptr) return {};
    if (unit->is_loose) return {{object, address}};
    std::vector<Node> nodes = {{object, unit->begin}};
    if (!objects_[object]->IsInstruction(unit->begin, address)) nodes.push_back({object, address});
    return nodes;
  }

  // Its address is somewhere: whoever has it may call it with anything.
  void Take(std::size_t object, std::uint64_t address) {
    for (const Node& node : NodesAt(object, address)) {
      taken_.insert(node);
      Go(node);
    }
  }

  // All definitions of the first image that has any: versions of a name are several.
  template <class Use>
  void ForSymbol(std::string_view name, const Use& use) {
    for (std::size_t i = 0; i < objects_.size(); ++i) {
      const auto found = ImageOf(i).exports.find(name);
      if (found == ImageOf(i).exports.end()) continue;
      for (const std::uint64_t address : found->second) use(i, address);
      return;
    }
  }
  void TakeSymbol(std::string_view name) {
    ForSymbol(name, [this](std::size_t object, std::uint64_t address) { Take(object, address); });
  }

  void Call(const Node& from, std::uint64_t instruction, std::size_t object,
            std::uint64_t address) {
    for (const Node& node : NodesAt(object, address)) {
      callers_[node].push_back({from, instruction});
      Go(node);
    }
  }

  void Visit(const Node& node) {
    const Image& image = ImageOf(node.object);
    const std::uint64_t begin = node.begin;
    if (code_ > kMostCode) return;
    const Object::Facts& facts = objects_[node.object]->FactsOf(begin);
    code_ += facts.size;
    if (facts.is_too_large)
      return Open(image.Describe(begin),
                  "more than 8 MiB of code in which nothing says where functions begin");
    if (code_ > kMostCode)
      return Open(image.Describe(begin), "there is more code than is looked at, 96 MiB");
    for (const Object::Facts::Edge& edge : facts.edges) Follow(node, edge);
    for (const Object::Facts::Site& site : facts.sites) Enter(node, site);
  }

  void Follow(const Node& node, const Object::Facts::Edge& edge) {
    const Image& image = ImageOf(node.object);
    std::uint64_t word = edge.address;
    if (!image.slots.contains(word) && image.IsCode(word)) word = SlotBehind(node.object, word);
    const auto slot = image.slots.find(word);
    if (slot == image.slots.end()) {
      if (edge.is_called) return Call(node, edge.from, node.object, edge.address);
      return Take(node.object, edge.address);
    }
    NoteLoading(image, edge.from, slot->second);
    if (!edge.is_called) return TakeSymbol(slot->second);
    ForSymbol(slot->second, [&](std::size_t object, std::uint64_t address) {
      Call(node, edge.from, object, address);
    });
  }

  // Of a stub; 0: the code is none.
  std::uint64_t SlotBehind(std::size_t object, std::uint64_t address) {
    const auto [at, is_new] = stubs_.try_emplace({object, address}, 0);
    if (is_new) at->second = SlotOfStub(ImageOf(object), address);
    return at->second;
  }

  void NoteLoading(const Image& image, std::uint64_t from, std::string_view symbol) {
    if (std::ranges::find(kLoading, symbol) == std::end(kLoading)) return;
    if (bound_.loading.size() < kMostOpenings)
      bound_.loading.push_back({image.Describe(from), std::string(symbol)});
  }

  abi::Arch ArchOf(const Image& image, const Object::Facts::Site& site) const {
    return site.is_32_bit ? abi::Arch::kI386 : image.arch;
  }

  void Enter(const Node& node, const Object::Facts::Site& site) {
    const Image& image = ImageOf(node.object);
    const abi::Arch arch = ArchOf(image, site);
    Add(node, site.values, arch, image.Describe(site.address));
  }

  void Add(const Node& node, const Values& values, abi::Arch arch, const std::string& where) {
    const Image& image = ImageOf(node.object);
    for (const std::uint32_t number : values.known) {
      const bool is_x32 = arch == abi::Arch::kX86_64 && (number & kX32Bit) != 0;
      bound_.calls.emplace(std::pair(is_x32 ? abi::Arch::kX32 : arch, number), where);
    }
    if (values.unknown)
      Open(where, fmt::format("its number is made at {}", image.Describe(*values.unknown)));
    if (values.loaded && !AddIdsOfThreads(image, *values.loaded, arch, where))
      Open(where,
           fmt::format("its number is read from memory at {}", image.Describe(*values.loaded)));
    for (Register reg = 0; reg < kRegisters; ++reg)
      if ((values.entry >> reg & 1) != 0) AskCallers({node, reg, arch, where});
  }

  bool AddIdsOfThreads(const Image& image, std::uint64_t address, abi::Arch arch,
                       const std::string& where) {
    const bool is_glibc = image.exports.contains("__libc_early_init");
    if (!is_glibc && image.Describe(address).find("setxid") == std::string::npos) return false;
    for (const std::string_view name : kIdsOfThreads)
      for (const std::string& call : {std::string(name), std::string(name) + "32"})
        if (const auto number = abi::Number(arch, call))
          bound_.calls.emplace(std::pair(arch, *number), where);
    return true;
  }

  void AskCallers(Ask ask) {
    if (asked_.insert({ask.node, ask.wanted, ask.arch}).second) asks_.push_back(std::move(ask));
  }

  void FollowToCallers(const Ask& ask) {
    const Image& image = ImageOf(ask.node.object);
    if (taken_.contains(ask.node) && !IsGate(ask.node))
      Open(ask.where, fmt::format("its number is given to {}, whose address is taken",
                                  image.Describe(ask.node.begin)));
    const auto callers = callers_.find(ask.node);
    if (callers == callers_.end()) return;
    for (const Caller& caller : callers->second) {
      if (++questions_ > kMostQuestions)
        return Open(ask.where, "its number is given to it at too many places");
      Object& from = *objects_[caller.node.object];
      Add(caller.node, from.ValuesBefore(caller.node.begin, caller.from, ask.wanted), ask.arch,
          from.TheImage().Describe(caller.from));
    }
  }

  // "int $0x80; ret", which static i386 programs call through a word of data.
  bool IsGate(const Node& node) {
    const Object::Facts& facts = objects_[node.object]->FactsOf(node.begin);
    constexpr std::uint64_t kMost = 16;
    return facts.sites.size() == 1 && facts.size <= kMost;
  }

  void Open(std::string where, std::string why) {
    if (bound_.open.size() < kMostOpenings)
      bound_.open.push_back({std::move(where), std::move(why)});
  }

  void AddKernelsOwn() {
    const abi::Arch arch = ImageOf(0).arch;
    const auto always = arch == abi::Arch::kX86_64 ? std::span<const std::uint32_t>(kAlways64)
                                                   : std::span<const std::uint32_t>(kAlways32);
    for (const std::uint32_t number : always)
      bound_.calls.emplace(std::pair(arch, number), "the kernel's own page");
  }

  static constexpr std::uint32_t kX32Bit = 0x40000000;

  const std::vector<Object*>& objects_;
  std::string interpreter_;
  std::set<Node> reached_, taken_;
  std::deque<Node> waiting_;
  std::map<Node, std::vector<Caller>> callers_;
  std::map<std::pair<std::size_t, std::uint64_t>, std::uint64_t> stubs_;
  std::deque<Ask> asks_;
  std::set<std::tuple<Node, Register, abi::Arch>> asked_;
  std::uint64_t code_ = 0;
  std::size_t questions_ = 0;
  Bound bound_;
};

}  // namespace

Bound FindCalls(const std::vector<Object*>& objects) { return Reach(objects).Find(); }

}  // namespace bailey::elf
