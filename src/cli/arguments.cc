#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

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

Arguments::Option& Arguments::Option::Required() {
  option_->required();
  return *this;
}

Arguments::Option& Arguments::Option::OneOf(std::vector<std::string> values) {
  option_->check(CLI::IsMember(std::move(values)));
  return *this;
}

Arguments::Option& Arguments::Option::Between(unsigned least, unsigned most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Arguments::Option& Arguments::Option::Called(const std::string& type) {
  option_->type_name(type);
  return *this;
}

Arguments::Option& Arguments::Option::Words(int count) {
  option_->expected(count);
  return *this;
}

Arguments::Option& Arguments::Option::Excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Arguments::Arguments(std::string command, std::string description)
    : command_(std::move(command)), app_(std::make_unique<CLI::App>(std::move(description))) {
  app_->name("bailey " + command_);
}

Arguments::~Arguments() = default;

Arguments::Option Arguments::Value(const std::string& name, std::string& value,
                                   const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Arguments::Option Arguments::Value(const std::string& name, std::optional<std::uint64_t>& value,
                                   const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Arguments::Option Arguments::Value(const std::string& name, int& value, const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Arguments::Option Arguments::Value(const std::string& name, unsigned& value,
                                   const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Arguments::Option Arguments::Value(const std::string& name, std::size_t& value,
                                   const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Arguments::Option Arguments::Values(const std::string& name, std::vector<std::string>& values,
                                    const std::string& help) {
  CLI::Option* const option = app_->add_option(name, values, help);
  if (name.starts_with('-')) option->allow_extra_args(false);
  return Option(option);
}

Arguments::Option Arguments::Flag(const std::string& name, bool& value, const std::string& help) {
  return Option(app_->add_flag(name, value, help));
}

void Arguments::EndsInProgram(const std::string& footer) {
  app_->footer(footer);
  app_->prefix_command();
}

std::optional<int> Arguments::Read(std::vector<std::string> words, int usage_error) {
  try {
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
