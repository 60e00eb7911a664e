#include "prove/guarantee.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "abi/syscalls.h"
#include "policy/condition.h"
#include "prove/condition_diagram.h"

namespace bailey::prove {
namespace {

std::string Text(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string ToString(const Guarantee& one) {
  std::string text = std::string(one.name) + "|" + std::string(one.sentence) + "|" +
                     std::to_string(static_cast<int>(one.wants)) + "|" +
                     std::string(one.errno_name) + "|" + (one.untrusted ? "untrusted" : "");
  for (const CallSet& set : one.calls) {
    text += "\n" + std::string(set.call) + "|" + std::string(set.when) + "|" +
            std::string(set.pointer) + "|" + std::string(set.numbers);
    for (const std::string_view arch : set.archs) text += "|" + std::string(arch);
  }
  for (const std::string_view name : one.rests_on) text += "\nrests on " + std::string(name);
  for (const std::string_view name : one.references) text += "\nsee " + std::string(name);
  return text;
}

// The table that the build makes, and what a user's file of the same text says.
TEST(Guarantees, TheTableIsWhatTheFilesSay) {
  std::map<std::string, std::string> read;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(BAILEY_SOURCE_DIR) / "policies/guarantees")) {
    const auto file = GuaranteeFile::Parse(Text(entry.path()), entry.path().filename());
    ASSERT_TRUE(file) << base::ToString(file.error());
    for (const Guarantee& one : file->Guarantees()) read[std::string(one.name)] = ToString(one);
  }
  std::map<std::string, std::string> built;
  for (const Guarantee& one : BuiltinGuarantees()) built[std::string(one.name)] = ToString(one);
  EXPECT_EQ(built.size(), read.size());
  for (const auto& [name, text] : built) EXPECT_EQ(text, read[name]);
  EXPECT_GE(built.size(), 50u);
}

TEST(Guarantees, RestOnOthersThatThereAre) {
  std::set<std::string_view> names;
  for (const Guarantee& one : BuiltinGuarantees()) names.insert(one.name);
  for (const Guarantee& one : BuiltinGuarantees()) {
    for (const std::string_view name : one.rests_on) EXPECT_TRUE(names.contains(name)) << name;
    EXPECT_FALSE(one.references.empty()) << one.name;
  }
}

// A condition that has no meaning on an architecture that has the call would make the guarantee
// undecided there.
TEST(Guarantees, ConditionsHaveAMeaningWhereverTheCallIs) {
  for (const Guarantee& one : BuiltinGuarantees()) {
    for (const CallSet& set : one.calls) {
      if (set.when.empty() || set.when.find("$families") != std::string_view::npos) continue;
      const auto condition = policy::ParseCondition(set.when);
      ASSERT_TRUE(condition) << one.name << ": " << condition.error().text;
      for (const abi::ArchInfo& info : abi::AllArchs()) {
        const bool is_here = set.archs.empty() || std::ranges::count(set.archs, info.name) > 0;
        if (!is_here || !abi::Number(info.arch, set.call)) continue;
        verify::Diagram diagram;
        EXPECT_TRUE(ConditionDiagram(diagram, *condition, info.arch, set.call))
            << one.name << ": " << set.call << " when " << set.when << " on " << info.name;
      }
    }
  }
}

struct Refused {
  const char* sentence;
  const char* text;
  const char* want;
};

TEST(Guarantees, FilesAreRefusedWithThePlace) {
  const Refused rows[] = {
      {"no version", "[a]\nsentence = \"s\"\ncalls = [\"read\"]\n",
       "g.toml:1:1: read guarantees: it does not say \"guarantees = 1\"\n[a]\n^"},
      {"another version", "guarantees = 2\n",
       "g.toml:1:14: read guarantees: the version is not 1\nguarantees = 2\n             ^"},
      {"a call that nobody has", "guarantees = 1\n[a]\nsentence = \"s\"\ncalls = [\"reaad\"]\n",
       "g.toml:4:10: read calls: no architecture has a call \"reaad\", did you mean \"read\"?\n"
       "calls = [\"reaad\"]\n         ^"},
      {"no calls", "guarantees = 1\n[a]\nsentence = \"s\"\ncalls = []\n",
       "g.toml:2:2: read [a]: it names no calls\n[a]\n ^"},
      {"a broken condition",
       "guarantees = 1\n[a]\nsentence = \"s\"\ncalls = [{ call = \"read\", when = \"fd ==\" }]\n",
       "g.toml:4:40: read condition: expected a constant or a number, found the end\n"},
      {"an unknown key",
       "guarantees = 1\n[a]\nsentence = \"s\"\ncalls = [\"read\"]\nrest-on = [\"b\"]\n",
       "g.toml:5:1: "},
      {"an unknown set", "guarantees = 1\n[a]\nsentence = \"s\"\ncalls = [{ numbers = \"odd\" }]\n",
       "g.toml:4:22: read numbers: \"odd\" is not \"unknown\", \"negative\", \"x32\", \"foreign\" "
       "or "
       "\"all\""},
  };
  for (const Refused& row : rows) {
    const auto file = GuaranteeFile::Parse(row.text, "g.toml");
    ASSERT_FALSE(file) << row.sentence;
    EXPECT_THAT(base::ToString(file.error()), testing::StartsWith(row.want)) << row.sentence;
  }
}

}  // namespace
}  // namespace bailey::prove
