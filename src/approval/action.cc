#include "approval/action.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace bailey::approval {
namespace {

using Json = nlohmann::json;

// In ASCII, so that nothing moves a cursor, hides a letter or turns a line around.
std::string Shown(const Json& value) {
  return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::vector<std::string> ShownLines(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view line : base::Split(text, '\n')) lines.push_back(Shown(Json(line)));
  return lines;
}

std::string TextOf(const Json& arguments, const char* name) {
  const auto found = arguments.find(name);
  return found != arguments.end() && found->is_string() ? found->get<std::string>() : "";
}

void ShowChange(const std::string& before, const std::string& after, Classified& result) {
  for (std::string& line : LineDifference(ShownLines(before), ShownLines(after)))
    result.shown.push_back(std::move(line));
}

Classified ClassifyRun(const Json& arguments) {
  Classified result = {.effect = Effect::kRun, .subject = Shown(arguments)};
  std::string words;
  for (const Json& word : arguments.value("argv", Json::array()))
    words += (words.empty() ? "" : " ") + Shown(word);
  result.shown.push_back("program  " + words);
  for (const char* name : {"stdin", "policy", "timeout", "memory", "session"})
    if (arguments.contains(name))
      result.shown.push_back(fmt::format("{:<8} {}", name, Shown(arguments[name])));
  result.why = "it runs a program; the sandbox bounds what that can do";
  if (arguments.contains("policy")) {
    result.effect = Effect::kWiden;
    result.why = "it asks for another sandbox than the usual one";
    result.policy = TextOf(arguments, "policy");
  }
  return result;
}

Classified ClassifyWrite(const Json& arguments, bool is_edit, const ReadFile& read) {
  const std::string path = TextOf(arguments, "path");
  Classified result = {.effect = Effect::kWrite, .subject = Shown(path)};
  result.shown.push_back("file     " + Shown(path));
  const auto old = read(path);
  if (is_edit) {
    ShowChange(TextOf(arguments, "old"), TextOf(arguments, "new"), result);
    result.why = "it changes a file of the workspace";
  } else {
    const std::string text = TextOf(arguments, "text");
    ShowChange(old.value_or(""), text, result);
    if (old && !old->empty() && text.empty()) result.effect = Effect::kDelete;
    result.why = old ? "it replaces a file of the workspace" : "it makes a file in the workspace";
  }
  return result;
}

// Every text in the arguments, however deep.
void Texts(const Json& value, std::vector<std::string>& texts) {
  if (value.is_string()) texts.push_back(value.get<std::string>());
  if (value.is_structured())
    for (const Json& part : value) Texts(part, texts);
}

bool IsAddress(std::string_view text) {
  constexpr std::array<std::string_view, 6> kSchemes = {"http://", "https://", "ws://",
                                                        "wss://",  "ftp://",   "ssh://"};
  const auto begins = [&](std::string_view scheme) { return text.starts_with(scheme); };
  return std::ranges::any_of(kSchemes, begins);
}

// As the host's links have it now: what is not there is taken by its name.
bool LeadsOutside(const std::string& text, const std::string& workspace) {
  if (text.find('/') == std::string::npos && text != "..") return false;
  if (text.find('\0') != std::string::npos || text.size() > 4096) return true;
  std::error_code error;
  const auto path =
      std::filesystem::weakly_canonical(std::filesystem::path(workspace) / text, error);
  if (error) return true;
  const auto relative = path.lexically_relative(workspace);
  return relative.empty() || *relative.begin() == "..";
}

Classified ClassifyForeign(const Action& action, const Json& arguments) {
  Classified result;
  result.why = "what this tool does only its server says";
  std::vector<std::string> texts;
  Texts(arguments, texts);
  for (const std::string& text : texts) {
    if (IsAddress(text)) {
      result.effect = Effect::kNetwork;
      result.why = "it names an address: " + Shown(text);
    } else if (LeadsOutside(text, action.workspace)) {
      result.effect = Effect::kOutside;
      result.why = "it names a path outside of the workspace: " + Shown(text);
    }
  }
  for (const auto& [name, value] : arguments.items())
    result.shown.push_back(fmt::format("{}  {}", Shown(name), Shown(value)));
  return result;
}

}  // namespace

std::string_view ToString(Effect effect) {
  constexpr std::array<std::string_view, 8> kNames = {"read",  "write",   "delete",  "run",
                                                      "widen", "network", "outside", "unknown"};
  return kNames[static_cast<std::size_t>(effect)];
}

std::vector<std::string> LineDifference(const std::vector<std::string>& a,
                                        const std::vector<std::string>& b) {
  // Lengths of the longest common run of lines from (i, j) on; bounded, as hostile texts may have
  // very many. What lies beyond is shown as gone and come.
  constexpr std::size_t kMost = 2000;
  const std::size_t m = std::min(a.size(), kMost), n = std::min(b.size(), kMost);
  std::vector<std::vector<std::uint16_t>> common(m + 1, std::vector<std::uint16_t>(n + 1));
  for (std::size_t i = m; i-- > 0;)
    for (std::size_t j = n; j-- > 0;) {
      common[i][j] = a[i] == b[j] ? static_cast<std::uint16_t>(common[i + 1][j + 1] + 1)
                                  : std::max(common[i + 1][j], common[i][j + 1]);
    }
  std::vector<std::string> lines;
  std::size_t i = 0, j = 0;
  while (i < m || j < n) {
    if (i < m && j < n && a[i] == b[j]) {
      lines.push_back("  " + a[i]);
      ++i, ++j;
    } else if (i < m && (j == n || common[i + 1][j] >= common[i][j + 1])) {
      lines.push_back("- " + a[i++]);
    } else {
      lines.push_back("+ " + b[j++]);
    }
  }
  for (; i < a.size(); ++i) lines.push_back("- " + a[i]);
  for (; j < b.size(); ++j) lines.push_back("+ " + b[j]);
  return lines;
}

Classified Classify(const Action& action, const ReadFile& read) {
  const Json arguments = Json::parse(action.arguments, nullptr, false);
  if (!arguments.is_object()) {
    Classified result;
    result.why = "its arguments cannot be read";
    return result;
  }
  if (!action.own) return ClassifyForeign(action, arguments);
  if (action.tool == "run") return ClassifyRun(arguments);
  if (action.tool == "write") return ClassifyWrite(arguments, false, read);
  if (action.tool == "edit") return ClassifyWrite(arguments, true, read);
  // What is left of bailey's own reads: within the workspace, or what it was given.
  constexpr std::array<std::string_view, 5> kReading = {"read", "list", "check", "session_start",
                                                        "session_end"};
  if (std::ranges::find(kReading, action.tool) == kReading.end())
    return ClassifyForeign(action, arguments);
  Classified result = ClassifyForeign(action, arguments);
  result.effect = Effect::kRead;
  result.is_green = true;
  result.why = "it reads within the workspace";
  return result;
}

}  // namespace bailey::approval
