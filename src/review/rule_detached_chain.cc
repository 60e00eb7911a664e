// A firewall chain that is made and filled, and that no hook and no jump leads to.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "review/source_lex.h"
#include "review/source_rule.h"
#include "review/source_rules.h"
#include "review/source_words.h"

namespace bailey::review {
namespace {

struct Word {
  std::string text;
  Index at = 0;
};

constexpr auto kBuiltIn =
    std::to_array<std::string_view>({"INPUT", "OUTPUT", "FORWARD", "PREROUTING", "POSTROUTING"});

void AddWords(std::string_view text, Index at, std::vector<Word>& words) {
  std::string word;
  const auto end = [&] {
    if (!word.empty()) words.push_back({std::move(word), at});
    word.clear();
  };
  int hole = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    // {{ and }} of a format are the braces of the rule set; {name} is a hole within a word.
    const bool twice = i + 1 < text.size() && text[i + 1] == c;
    if ((c == '{' || c == '}') && twice) {
      end();
      words.push_back({std::string(1, c), at});
      ++i;
    } else if (c == '{' && text.find('}', i) != std::string_view::npos &&
               text.substr(i, text.find('}', i) - i).find_first_of(" \n;") ==
                   std::string_view::npos) {
      ++hole;
      word += c;
    } else if (c == '}' && hole > 0) {
      --hole;
      word += c;
    } else if (c == '{' || c == '}' || c == ';') {
      end();
      words.push_back({std::string(1, c), at});
    } else if (c == ' ' || c == '\n' || c == '\t' || c == '\'' || c == '"') {
      end();
    } else {
      word += c;
    }
  }
  end();
}

// The words of the strings, "$name" for a value between them and "$;" for the end of a statement:
// what is written line by line is one text.
constexpr std::string_view kEndOfStatement = "$;";

std::vector<Word> Words(const Code& code) {
  std::vector<Word> words;
  for (Index at = 0; at < code.tokens().size(); ++at) {
    const Token& token = code.tokens()[at];
    if (token.kind == TokenKind::kString) {
      AddWords(Unquote(token), at, words);
    } else if (token.kind == TokenKind::kName) {
      words.push_back({'$' + std::string(token.text), at});
    } else if (token.text == ";" || token.text == "{" || token.text == "}") {
      words.push_back({std::string(kEndOfStatement), at});
    }
  }
  return words;
}

struct Chains {
  std::map<std::string, Word> made;
  std::set<std::string> reached;
};

// "chain name {...}" or "add chain family table name"; in an array of arguments as well.
void ReadNft(const std::vector<Word>& words, std::size_t at, Chains& chains) {
  const auto text = [&](std::size_t i) {
    return i < words.size() ? std::string_view(words[i].text) : std::string_view();
  };
  std::size_t name = at + 1;
  const bool added = at > 0 && (text(at - 1) == "add" || text(at - 1) == "create");
  if (added) {
    const std::string_view family = text(at + 1);
    const bool has_family = family == "inet" || family == "ip" || family == "ip6" ||
                            family == "bridge" || family == "netdev" || family == "arp";
    name = has_family ? at + 3 : at + 2;
  } else if (text(at + 2) != "{") {
    return;
  }
  if (text(name).empty() || text(name) == "{") return;
  // A hook makes it a base chain, which the kernel itself enters.
  bool hook = false;
  for (std::size_t i = name + 1; i < words.size() && i < name + 64; ++i) {
    if (i > name + 1 && (text(i) == "}" || text(i) == "chain")) break;
    if (added && text(i) == kEndOfStatement) break;
    hook |= text(i) == "hook";
  }
  if (hook) {
    chains.reached.insert(words[name].text);
  } else {
    chains.made.try_emplace(words[name].text, words[name]);
  }
}

Chains Read(const Code& code) {
  Chains chains;
  const auto words = Words(code);
  for (std::size_t at = 0; at + 1 < words.size(); ++at) {
    const std::string& word = words[at].text;
    const Word& next = words[at + 1];
    if (next.text == kEndOfStatement) continue;
    if (word == "-N" || word == "--new-chain") {
      chains.made.try_emplace(next.text, next);
    } else if (word == "-j" || word == "-g" || word == "--jump" || word == "--goto" ||
               word == "jump" || word == "goto") {
      chains.reached.insert(next.text);
    } else if (word == "chain") {
      ReadNft(words, at, chains);
    }
  }
  return chains;
}

}  // namespace

void CheckDetachedChain(const Code& code, Reports& reports) {
  const Chains chains = Read(code);
  for (const auto& [name, word] : chains.made) {
    if (chains.reached.contains(name) || IsAny(name, kBuiltIn)) continue;
    const std::string shown = name.starts_with('$') ? name.substr(1) : name;
    Report report;
    report.vulnerability = fmt::format("No hook and no jump leads to the firewall chain {}", shown);
    report.reason =
        "A chain without a hook is entered by a jump only, and no string of the file has "
        "one to it.";
    report.impact = "Its rules are in the kernel and no packet meets them: everything passes.";
    report.fix = fmt::format(
        "Make it a base chain, {{ type filter hook forward priority 0; policy "
        "drop; }}, or jump to {} from one.",
        shown);
    report.effect = Severity::kHigh;
    report.at = word.at;
    report.flow = {{word.at, fmt::format("the chain {} is made", shown)}};
    report.matched = fmt::format(
        "{}: made, and neither \"hook\" behind it nor \"jump\", \"goto\", "
        "\"-j\" or \"-g\" to it",
        shown);
    reports.File(report);
  }
}

}  // namespace bailey::review
