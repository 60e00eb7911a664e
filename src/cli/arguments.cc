#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "cli/commands.h"

namespace bailey::cli {

SplitWords SplitAtDashes(int argc, char** argv) {
  SplitWords split;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto dashes = std::ranges::find(words, "--");
  split.options.assign(words.begin(), dashes);
  if (dashes != words.end()) split.program.assign(dashes + 1, words.end());
  return split;
}

// An option as it was described. CLI11 compares the names of each that it gets with those of all
// others, which for `run` takes as long as reading the policy: it gets those that a command line
// has.
struct Arguments::Option::Entry {
  // "--name=value" is as good as "--name".
  bool IsNamed(std::string_view word) const {
    if (word.starts_with("--")) word = word.substr(0, word.find('='));
    if (names.find(word) == names.npos) return false;
    return std::ranges::any_of(base::Split(names, ','), [word](std::string_view name) {
      return word == name || (name.starts_with('!') && word == name.substr(1));
    });
  }
  bool IsPlace() const { return !names.starts_with('-') && !names.starts_with('!'); }

  std::string names;
  std::function<CLI::Option*(CLI::App&)> add;
  std::vector<std::function<void(CLI::Option&)>> details;
  CLI::Option* option = nullptr;  // from when CLI11 has it
  bool required = false;
};

Arguments::Option& Arguments::Option::Required() {
  entry_.required = true;
  entry_.details.emplace_back([](CLI::Option& option) { option.required(); });
  return *this;
}

Arguments::Option& Arguments::Option::OneOf(std::vector<std::string> values) {
  entry_.details.emplace_back(
      [values = std::move(values)](CLI::Option& option) { option.check(CLI::IsMember(values)); });
  return *this;
}

Arguments::Option& Arguments::Option::Between(unsigned least, unsigned most) {
  entry_.details.emplace_back(
      [least, most](CLI::Option& option) { option.check(CLI::Range(least, most)); });
  return *this;
}

Arguments::Option& Arguments::Option::Called(const std::string& type) {
  entry_.details.emplace_back([type](CLI::Option& option) { option.type_name(type); });
  return *this;
}

Arguments::Option& Arguments::Option::Words(int count) {
  entry_.details.emplace_back([count](CLI::Option& option) { option.expected(count); });
  return *this;
}

Arguments::Option& Arguments::Option::Excludes(const Option& other) {
  // One that CLI11 does not have is not on the command line.
  entry_.details.emplace_back([&with = other.entry_](CLI::Option& option) {
    if (with.option != nullptr) option.excludes(with.option);
  });
  return *this;
}

Arguments::Arguments(std::string command, std::string description)
    : command_(std::move(command)), app_(std::make_unique<CLI::App>(std::move(description))) {
  app_->name("bailey " + command_);
}

Arguments::~Arguments() = default;

Arguments::Option Arguments::Add(const std::string& name,
                                 std::function<CLI::Option*(CLI::App&)> add) {
  entries_.push_back(std::make_unique<Option::Entry>(name, std::move(add)));
  return Option(*entries_.back());
}

template <class T>
Arguments::Option Arguments::AddValue(const std::string& name, T& value, const std::string& help) {
  return Add(name,
             [&value, name, help](CLI::App& app) { return app.add_option(name, value, help); });
}

Arguments::Option Arguments::Value(const std::string& name, std::string& value,
                                   const std::string& help) {
  return AddValue(name, value, help);
}

Arguments::Option Arguments::Value(const std::string& name, std::optional<std::uint64_t>& value,
                                   const std::string& help) {
  return AddValue(name, value, help);
}

Arguments::Option Arguments::Value(const std::string& name, int& value, const std::string& help) {
  return AddValue(name, value, help);
}

Arguments::Option Arguments::Value(const std::string& name, unsigned& value,
                                   const std::string& help) {
  return AddValue(name, value, help);
}

Arguments::Option Arguments::Value(const std::string& name, std::size_t& value,
                                   const std::string& help) {
  return AddValue(name, value, help);
}

Arguments::Option Arguments::Values(const std::string& name, std::vector<std::string>& values,
                                    const std::string& help) {
  return Add(name, [&values, name, help](CLI::App& app) {
    CLI::Option* const option = app.add_option(name, values, help);
    if (name.starts_with('-')) option->allow_extra_args(false);
    return option;
  });
}

Arguments::Option Arguments::Flag(const std::string& name, bool& value, const std::string& help) {
  return Add(name, [&value, name, help](CLI::App& app) { return app.add_flag(name, value, help); });
}

// All of them where a word may be anything else: help, a mistake, short options in one word.
void Arguments::Register(const std::vector<std::string>& words) {
  std::set<const Option::Entry*> named;
  bool all = false;
  for (const std::string& word : words) {
    if (!word.starts_with('-')) continue;
    const auto entry =
        std::ranges::find_if(entries_, [&word](const auto& one) { return one->IsNamed(word); });
    all = all || entry == entries_.end();
    if (entry != entries_.end()) named.insert(entry->get());
  }
  for (const auto& entry : entries_)
    if (all || entry->required || entry->IsPlace() || named.contains(entry.get()))
      entry->option = entry->add(*app_);
  for (const auto& entry : entries_)
    for (const auto& detail : entry->details)
      if (entry->option != nullptr) detail(*entry->option);
}

void Arguments::EndsInProgram(const std::string& footer) {
  app_->footer(footer);
  app_->prefix_command();
}

std::optional<int> Arguments::Read(std::vector<std::string> words, int usage_error) {
  try {
    Register(words);
    // CLI11 takes them from the back.
    std::ranges::reverse(words);
    app_->parse(words);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app_->help());
    return kYes;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "bailey {0}: {1} (see `bailey {0} --help`)\n", command_, error.what());
    return usage_error;
  }
}

std::vector<std::string> Arguments::Program() const { return app_->remaining(); }

}  // namespace bailey::cli
