// Run by the build: parses presets, and writes them as C++ tables, so that a program's start
// parses no TOML but the user's.
//
//   embed_presets OUT.cc POLICIES/agent.toml POLICIES/build.toml ...
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/document.h"
#include "policy/toml.h"

namespace bailey::policy {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

struct Preset {
  std::string name;
  std::string file;
  std::unique_ptr<Document> document;
};

base::Result<Preset> Read(const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"));
  if (!file) return base::InvalidInput(fmt::format("read \"{}\": cannot open it", path));
  std::string text;
  for (int c = std::fgetc(file.get()); c != EOF; c = std::fgetc(file.get()))
    text += static_cast<char>(c);
  Preset preset;
  preset.file = path.substr(path.rfind('/') + 1);
  preset.name = preset.file.substr(0, preset.file.find('.'));
  auto document = ParseToml(std::move(text), preset.file);
  if (!document) return document.error();
  preset.document = *std::move(document);
  return preset;
}

std::string Literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n\"\n    \"";
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// The nodes' texts, each once.
class TextList {
 public:
  std::size_t Add(std::string_view text) {
    const auto [at, is_new] = places_.try_emplace(text, places_.size());
    if (is_new) code_ += fmt::format("    {},\n", Literal(text));
    return at->second;
  }
  const std::string& code() const { return code_; }

 private:
  std::map<std::string_view, std::size_t> places_;
  std::string code_;
};

std::string ToCode(const Node& node, TextList& texts) {
  const auto place = [](Place p) { return fmt::format("{{{}, {}}}", p.line, p.column); };
  return fmt::format("    {{NodeKind({}), {}, {}, {}, {}, {}, {}, {}}},\n",
                     static_cast<int>(node.kind), node.literal, texts.Add(node.key),
                     texts.Add(node.text), node.end, place(node.key_place), place(node.place),
                     node.number);
}

std::string ToCode(const std::vector<Preset>& presets) {
  TextList texts;
  std::string nodes;
  std::string table;
  for (std::size_t i = 0; i < presets.size(); ++i) {
    const Preset& preset = presets[i];
    nodes += fmt::format("constexpr StoredNode kNodes{}[] = {{\n", i);
    for (const Node& node : preset.document->nodes()) nodes += ToCode(node, texts);
    nodes += "};\n";
    table += fmt::format("    {{{}, {},\n    {},\n    kNodes{}}},\n", Literal(preset.name),
                         Literal(preset.file), Literal(preset.document->text()), i);
  }
  constexpr std::string_view kFrame = R"(#include "policy/presets.h"

namespace bailey::policy {{
namespace {{

constexpr std::string_view kTextList[] = {{
{}}};
constexpr auto kTexts = base::Pack<kTextList>();
{}
constexpr EmbeddedPreset kPresets[] = {{
{}}};

}}  // namespace

std::span<const EmbeddedPreset> EmbeddedPresets() {{ return kPresets; }}

base::Texts PresetTexts() {{ return kTexts; }}

}}  // namespace bailey::policy
)";
  return fmt::format(kFrame, texts.code(), nodes, table);
}

int Main(int argc, char** argv) {
  std::vector<Preset> presets;
  for (int i = 2; i < argc; ++i) {
    auto preset = Read(argv[i]);
    if (!preset) {
      std::fprintf(stderr, "%s\n", ToString(preset.error()).c_str());
      return 1;
    }
    presets.push_back(*std::move(preset));
  }
  const File out(std::fopen(argv[1], "we"));
  if (!out || std::fputs(ToCode(presets).c_str(), out.get()) < 0) {
    std::fprintf(stderr, "write \"%s\": it failed\n", argv[1]);
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace bailey::policy

int main(int argc, char** argv) { return bailey::policy::Main(argc, argv); }
