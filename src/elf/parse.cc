// ELF to Image. Every number of the file is checked against its size before it is used; loops end
// with the table that they read, or at a bound.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "elf/image.h"

namespace bailey::elf {
namespace {

// include/uapi/linux/elf.h, and the processor supplements of System V.
constexpr std::uint16_t kExecutable = 2, kShared = 3, kMachine386 = 3, kMachineX86_64 = 62;
constexpr std::uint32_t kLoad = 1, kDynamic = 2, kInterpreter = 3, kUnwind = 0x6474e550;
constexpr std::uint32_t kExecuteFlag = 1;
constexpr std::uint32_t kSymbolTable = 2, kDynamicSymbols = 11;
constexpr std::uint8_t kFunctionType = 2, kIndirectFunctionType = 10;
constexpr std::size_t kMostSegments = 64, kMostSections = 65536, kMostSymbols = 8u << 20;

enum Tag : std::uint64_t {
  kNeeded = 1,
  kPltSize = 2,
  kPltGot = 3,
  kHash = 4,
  kStrings = 5,
  kSymbols = 6,
  kRela = 7,
  kRelaSize = 8,
  kStringsSize = 10,
  kInit = 12,
  kFini = 13,
  kRpath = 15,
  kRel = 17,
  kRelSize = 18,
  kPltKind = 20,
  kPlt = 23,
  kInitArray = 25,
  kFiniArray = 26,
  kInitArraySize = 27,
  kFiniArraySize = 28,
  kRunpath = 29,
  kPreinitArray = 32,
  kPreinitArraySize = 33,
  kRelrSize = 35,
  kRelr = 36,
  kTags = 37,
};
constexpr std::uint64_t kGnuHash = 0x6ffffef5;

// What a relocation puts into a word; the numbers are the same for both machines, but for one.
constexpr std::uint32_t kWord = 1, kPcRelative = 2, kGlobal = 6, kJumpSlot = 7, kRelative = 8;
constexpr std::uint32_t kIndirect386 = 42, kIndirectX86_64 = 37;

struct Place {
  std::uint64_t address = 0, size = 0;
};

struct Symbol {
  std::string_view name;
  std::uint64_t value = 0, size = 0;
  std::uint8_t type = 0;
  bool is_defined = false;
};

}  // namespace

class Parser {
 public:
  Parser(std::string name, std::vector<std::uint8_t> bytes) {
    image_.name = std::move(name);
    image_.bytes_ = std::move(bytes);
  }

  base::Result<Image> Parse() {
    if (const auto read = ReadHeader(); !read) return read.error();
    if (const auto read = ReadSegments(); !read) return read.error();
    ReadDynamic();
    ReadNeeded();
    CountDynamicSymbols();
    ReadDynamicSymbols();
    ReadSections();
    ReadUnwindTable();
    if (const auto read = ReadRelocations(); !read) return read.error();
    ReadCalledByLoader();
    CutIntoUnits();
    if (image_.is_fixed) FindAddressesInData();
    const auto unique = [](auto& list) {
      std::ranges::sort(list);
      const auto rest = std::ranges::unique(list);
      list.erase(rest.begin(), rest.end());
    };
    unique(image_.roots);
    unique(image_.root_symbols);
    std::ranges::stable_sort(image_.functions, {}, &Function::address);
    return std::move(image_);
  }

 private:
  base::Error Damaged(std::string_view what) const {
    return base::InvalidInput(fmt::format("read ELF file {}: {}", image_.name, what));
  }

  // A number at a place of the file; 0 beyond its end, which the checks before it exclude.
  std::uint64_t Get(std::uint64_t at, unsigned size) const {
    const auto& bytes = image_.bytes_;
    if (at > bytes.size() || size > bytes.size() - at) return 0;
    std::uint64_t number = 0;
    for (unsigned i = 0; i < size; ++i) number |= std::uint64_t{bytes[at + i]} << (8 * i);
    return number;
  }
  bool Holds(std::uint64_t at, std::uint64_t size) const {
    return at <= image_.bytes_.size() && size <= image_.bytes_.size() - at;
  }
  bool Is64() const { return image_.WordSize() == 8; }

  base::Status ReadHeader() {
    const auto& bytes = image_.bytes_;
    constexpr std::uint8_t kMagic[] = {0x7f, 'E', 'L', 'F'};
    if (bytes.size() > kMostBytes) return Damaged("it is larger than 512 MiB");
    if (bytes.size() < 52 || !std::equal(std::begin(kMagic), std::end(kMagic), bytes.begin()))
      return Damaged("it is none");
    const std::uint64_t type = Get(16, 2), machine = Get(18, 2);
    const bool is_x86 = (machine == kMachineX86_64 && bytes[4] == 2 && bytes.size() >= 64) ||
                        (machine == kMachine386 && bytes[4] == 1);
    if (!is_x86 || bytes[5] != 1) {
      return base::Unsupported(
          fmt::format("read ELF file {}: it is of another machine than x86", image_.name));
    }
    if (type != kExecutable && type != kShared)
      return Damaged("it is no executable and no library");
    image_.arch = machine == kMachineX86_64 ? abi::Arch::kX86_64 : abi::Arch::kI386;
    image_.is_fixed = type == kExecutable;
    image_.entry = Get(24, image_.WordSize());
    return {};
  }

  base::Status ReadSegments() {
    const std::uint64_t table = Is64() ? Get(32, 8) : Get(28, 4);
    const std::uint64_t count = Is64() ? Get(56, 2) : Get(44, 2);
    const std::uint64_t entry = Is64() ? 56 : 32;
    if (count == 0 || !Holds(table, count * entry))
      return Damaged("its segments are outside of it");
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t at = table + i * entry;
      const auto kind = static_cast<std::uint32_t>(Get(at, 4));
      const std::uint64_t flags = Get(at + (Is64() ? 4 : 24), 4);
      const std::uint64_t offset = Is64() ? Get(at + 8, 8) : Get(at + 4, 4);
      const std::uint64_t address = Is64() ? Get(at + 16, 8) : Get(at + 8, 4);
      const std::uint64_t size = Is64() ? Get(at + 32, 8) : Get(at + 16, 4);
      if (kind == kInterpreter && Holds(offset, size) && size > 0 && size < 4096)
        image_.interpreter = CString(offset, size);
      if (kind == kUnwind) unwind_ = address;
      if (kind == kDynamic) dynamic_ = {address, size};
      if (kind != kLoad || size == 0) continue;
      if (!Holds(offset, size) || size > std::numeric_limits<std::uint64_t>::max() - address)
        return Damaged("a segment is outside of it");
      if (image_.segments.size() == kMostSegments) return Damaged("it has more than 64 segments");
      image_.segments.push_back({address, offset, size, (flags & kExecuteFlag) != 0});
    }
    return {};
  }

  // Up to a NUL, or the end.
  std::string_view CString(std::uint64_t offset, std::uint64_t most) const {
    if (!Holds(offset, 0)) return {};
    const std::uint64_t size = std::min<std::uint64_t>(most, image_.bytes_.size() - offset);
    const std::string_view text(reinterpret_cast<const char*>(image_.bytes_.data()) + offset, size);
    return text.substr(0, text.find('\0'));
  }

  std::uint64_t Word(std::uint64_t address) const {
    return image_.Number(address, image_.WordSize()).value_or(0);
  }

  void ReadDynamic() {
    const unsigned word = image_.WordSize();
    for (std::uint64_t at = 0; at + 2 * word <= dynamic_.size; at += 2 * word) {
      const std::uint64_t tag = Word(dynamic_.address + at);
      const std::uint64_t value = Word(dynamic_.address + at + word);
      if (tag == 0) break;
      if (tag == kNeeded && needed_.size() < 256) needed_.push_back(value);
      if (tag == kGnuHash) gnu_hash_ = value;
      if (tag < kTags) tags_[tag] = value;
    }
    image_.got = tags_[kPltGot];
  }

  std::string_view String(std::uint64_t index) const {
    const std::uint64_t size = tags_[kStringsSize];
    if (index >= size) return {};
    const auto bytes = image_.At(tags_[kStrings], size);
    if (bytes.empty()) return {};
    const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return all.substr(index, all.find('\0', index) - index);
  }

  void ReadNeeded() {
    for (const std::uint64_t index : needed_) image_.needed.emplace_back(String(index));
    image_.run_path = String(tags_[tags_[kRunpath] != 0 ? kRunpath : kRpath]);
  }

  // No table says how many symbols there are: the hash tables do, in passing.
  void CountDynamicSymbols() {
    if (tags_[kHash] != 0) symbols_ = image_.Number(tags_[kHash] + 4, 4).value_or(0);
    if (symbols_ == 0 && gnu_hash_ != 0) symbols_ = CountByGnuHash();
    symbols_ = std::min<std::uint64_t>(symbols_, kMostSymbols);
  }

  std::uint64_t CountByGnuHash() const {
    const std::uint64_t buckets = image_.Number(gnu_hash_, 4).value_or(0);
    const std::uint64_t first = image_.Number(gnu_hash_ + 4, 4).value_or(0);
    const std::uint64_t blooms = image_.Number(gnu_hash_ + 8, 4).value_or(0);
    const std::uint64_t at = gnu_hash_ + 16 + blooms * image_.WordSize();
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i < buckets; ++i) {
      const auto bucket = image_.Number(at + 4 * i, 4);
      if (!bucket) return 0;
      last = std::max(last, *bucket);
    }
    if (last < first) return first;
    for (std::uint64_t chain = at + 4 * buckets + 4 * (last - first);; chain += 4, ++last) {
      const auto hash = image_.Number(chain, 4);
      if (!hash || (*hash & 1) != 0) return last + 1;
    }
  }

  std::optional<Symbol> DynamicSymbol(std::uint64_t index) const {
    const std::uint64_t entry = Is64() ? 24 : 16;
    if (index >= kMostSymbols) return std::nullopt;
    const auto bytes = image_.At(tags_[kSymbols] + index * entry, entry);
    if (bytes.empty()) return std::nullopt;
    return SymbolAt(static_cast<std::uint64_t>(bytes.data() - image_.bytes_.data()),
                    [this](std::uint64_t name) { return String(name); });
  }

  template <class Names>
  Symbol SymbolAt(std::uint64_t at, const Names& names) const {
    Symbol symbol = {.name = names(Get(at, 4))};
    symbol.value = Is64() ? Get(at + 8, 8) : Get(at + 4, 4);
    symbol.size = Is64() ? Get(at + 16, 8) : Get(at + 8, 4);
    symbol.type = static_cast<std::uint8_t>(Get(at + (Is64() ? 4 : 12), 1) & 0xf);
    symbol.is_defined = Get(at + (Is64() ? 6 : 14), 2) != 0;
    return symbol;
  }

  void ReadDynamicSymbols() {
    if (tags_[kSymbols] == 0) return;
    for (std::uint64_t i = 1; i < symbols_; ++i) {
      const auto symbol = DynamicSymbol(i);
      if (!symbol) return;
      if (!symbol->is_defined || symbol->name.empty() || !image_.IsCode(symbol->value)) continue;
      image_.exports[symbol->name].push_back(symbol->value);
      NoteFunction(*symbol);
    }
  }

  void NoteFunction(const Symbol& symbol) {
    if (symbol.type != kFunctionType && symbol.type != kIndirectFunctionType) return;
    if (!image_.IsCode(symbol.value)) return;
    image_.units.push_back({symbol.value, EndBehind(symbol.value, symbol.size)});
    if (!symbol.name.empty()) image_.functions.push_back({symbol.value, symbol.name});
  }

  // Symbols for debuggers, where they were left in.
  void ReadSections() {
    const std::uint64_t table = Is64() ? Get(40, 8) : Get(32, 4);
    const std::uint64_t count = std::min<std::uint64_t>(Get(Is64() ? 60 : 48, 2), kMostSections);
    const std::uint64_t entry = Is64() ? 64 : 40;
    if (table == 0 || !Holds(table, count * entry)) return;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t at = table + i * entry;
      if (Get(at + 4, 4) != kSymbolTable) continue;
      const auto place = [&](std::uint64_t section) {
        const std::uint64_t from = table + section * entry;
        return Is64() ? Place{Get(from + 24, 8), Get(from + 32, 8)}
                      : Place{Get(from + 16, 4), Get(from + 20, 4)};
      };
      const std::uint64_t link = Get(at + (Is64() ? 40 : 24), 4);
      if (link < count) ReadSymbolTable(place(i), place(link));
      return;
    }
  }

  void ReadSymbolTable(const Place& table, const Place& strings) {
    const std::uint64_t entry = Is64() ? 24 : 16;
    if (!Holds(table.address, table.size) || !Holds(strings.address, strings.size)) return;
    const std::uint64_t count = std::min<std::uint64_t>(table.size / entry, kMostSymbols);
    for (std::uint64_t i = 1; i < count; ++i) {
      const Symbol symbol = SymbolAt(table.address + i * entry, [&](std::uint64_t name) {
        return name < strings.size ? CString(strings.address + name, strings.size - name)
                                   : std::string_view();
      });
      if (symbol.is_defined) NoteFunction(symbol);
    }
  }

  // .eh_frame_hdr: where functions begin, sorted, in the one form that linkers write.
  void ReadUnwindTable() {
    constexpr std::uint8_t kCount = 0x03, kTable = 0x3b;  // udata4; datarel | sdata4
    const auto head = image_.At(unwind_, 12);
    if (unwind_ == 0 || head.empty() || head[0] != 1 || head[2] != kCount || head[3] != kTable)
      return;
    const std::uint64_t count = image_.Number(unwind_ + 8, 4).value_or(0);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto offset = image_.Number(unwind_ + 12 + 8 * i, 4);
      const auto entry = image_.Number(unwind_ + 16 + 8 * i, 4);
      if (!offset || !entry) return;
      const std::uint64_t address = Wrap(unwind_ + SignExtend(*offset));
      // The entry: its length, where its general part is, the address again, how long the code is.
      const auto size = image_.Number(Wrap(unwind_ + SignExtend(*entry)) + 12, 4);
      if (image_.IsCode(address))
        image_.units.push_back({address, EndBehind(address, size.value_or(0))});
    }
  }

  // 0: it is not known.
  static std::uint64_t EndBehind(std::uint64_t begin, std::uint64_t size) {
    return size > std::numeric_limits<std::uint64_t>::max() - begin ? 0
           : size == 0                                              ? 0
                                                                    : begin + size;
  }

  static std::uint64_t SignExtend(std::uint64_t number) {
    return static_cast<std::uint64_t>(
        std::int64_t{static_cast<std::int32_t>(static_cast<std::uint32_t>(number))});
  }
  std::uint64_t Wrap(std::uint64_t address) const {
    return Is64() ? address : address & 0xffffffff;
  }

  base::Status ReadRelocations() {
    const unsigned word = image_.WordSize();
    const bool plt_has_addends = tags_[kPltKind] == kRela;
    const struct {
      std::uint64_t address, size;
      bool has_addends;
    } kTables[] = {{tags_[kRela], tags_[kRelaSize], true},
                   {tags_[kRel], tags_[kRelSize], false},
                   {tags_[kPlt], tags_[kPltSize], plt_has_addends}};
    for (const auto& table : kTables) {
      if (table.address == 0) continue;
      const std::uint64_t entry = word * (table.has_addends ? 3 : 2);
      if (table.size / entry > kMostRelocations) return TooMany();
      for (std::uint64_t i = 0; i < table.size / entry; ++i) {
        const std::uint64_t at = table.address + i * entry;
        if (image_.At(at, entry).empty()) return Damaged("its relocations are outside of it");
        const std::uint64_t slot = Word(at);
        Relocate(slot, Word(at + word), table.has_addends ? Word(at + 2 * word) : Word(slot));
      }
    }
    return ReadPackedRelocations();
  }

  base::Error TooMany() const { return Damaged("it has more than 16 million relocations"); }

  void Relocate(std::uint64_t slot, std::uint64_t info, std::uint64_t addend) {
    const auto kind = static_cast<std::uint32_t>(Is64() ? info & 0xffffffff : info & 0xff);
    const std::uint64_t index = Is64() ? info >> 32 : info >> 8;
    if (kind == kRelative || kind == (Is64() ? kIndirectX86_64 : kIndirect386))
      return AddRoot(addend);
    const bool is_slot = kind == kGlobal || kind == kJumpSlot;
    if (!is_slot && kind != kWord && kind != kPcRelative) return;
    const auto symbol = DynamicSymbol(index);
    if (!symbol || symbol->name.empty()) return;
    if (is_slot) {
      image_.slots.emplace(slot, symbol->name);
    } else {
      image_.root_symbols.push_back(symbol->name);
    }
  }

  void AddRoot(std::uint64_t address) {
    if (image_.IsCode(address)) image_.roots.push_back(address);
  }

  // RELR: an address, then bitmaps of the words behind it.
  base::Status ReadPackedRelocations() {
    const unsigned word = image_.WordSize();
    const std::uint64_t count = tags_[kRelr] == 0 ? 0 : tags_[kRelrSize] / word;
    std::uint64_t next = 0, seen = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto entry = image_.Number(tags_[kRelr] + i * word, word);
      if (!entry) return Damaged("its relocations are outside of it");
      if ((*entry & 1) == 0) {
        AddRoot(Word(*entry));
        next = *entry + word;
        continue;
      }
      if ((seen += 8 * word) > kMostRelocations) return TooMany();
      for (unsigned bit = 1; bit < 8 * word; ++bit)
        if ((*entry >> bit & 1) != 0) AddRoot(Word(next + (bit - 1) * word));
      next += (8 * word - 1) * word;
    }
    return {};
  }

  void ReadCalledByLoader() {
    AddRoot(tags_[kInit]);
    AddRoot(tags_[kFini]);
    const unsigned word = image_.WordSize();
    constexpr std::pair<Tag, Tag> kArrays[] = {{kInitArray, kInitArraySize},
                                               {kFiniArray, kFiniArraySize},
                                               {kPreinitArray, kPreinitArraySize}};
    for (const auto& [array, size] : kArrays)
      for (std::uint64_t at = 0; at + word <= tags_[size]; at += word) {
        const auto address = image_.Number(tags_[array] + at, word);
        if (!address) break;
        AddRoot(*address);
      }
  }

  // Functions as the tables have them, up to the next one; and what is between them.
  void CutIntoUnits() {
    std::vector<Piece> functions = std::move(image_.units), units;
    std::ranges::sort(functions, {},
                      [](const Piece& one) { return std::pair(one.begin, one.end); });
    for (const Segment& segment : image_.segments) {
      if (!segment.is_code) continue;
      const std::uint64_t end = segment.address + segment.size;
      std::uint64_t at = segment.address;
      auto next = std::ranges::lower_bound(functions, at, {}, &Piece::begin);
      while (next != functions.end() && next->begin < end) {
        if (next->begin > at) units.push_back({at, next->begin, true});
        const auto first = next;
        std::uint64_t known = 0;
        for (; next != functions.end() && next->begin == first->begin; ++next)
          known = std::max(known, next->end);
        const std::uint64_t limit = next == functions.end() ? end : std::min(end, next->begin);
        at = known == 0 ? limit : std::min(known, limit);
        units.push_back({first->begin, at, false});
      }
      if (at < end) units.push_back({at, end, true});
    }
    // Segments may lie over one another, in a file that no linker made.
    std::ranges::sort(units, {}, &Piece::begin);
    for (std::size_t i = 0; i + 1 < units.size(); ++i)
      units[i].end = std::min(units[i].end, units[i + 1].begin);
    std::erase_if(units, [](const Piece& one) { return one.begin >= one.end; });
    image_.units = std::move(units);
  }

  // Where nothing is relocated: words of data that look like the address of a function.
  void FindAddressesInData() {
    const unsigned word = image_.WordSize();
    for (const Segment& segment : image_.segments) {
      for (std::uint64_t at = 0; at + word <= segment.size; at += word) {
        const std::uint64_t address = Get(segment.offset + at, word);
        if (image_.IsFunction(address)) image_.roots.push_back(address);
      }
    }
  }

  Image image_;
  Place dynamic_;
  std::uint64_t unwind_ = 0, gnu_hash_ = 0, symbols_ = 0;
  std::uint64_t tags_[kTags] = {};
  std::vector<std::uint64_t> needed_;
};

base::Result<Image> Image::Parse(std::string name, std::vector<std::uint8_t> bytes) {
  return Parser(std::move(name), std::move(bytes)).Parse();
}

}  // namespace bailey::elf
