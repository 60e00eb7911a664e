// What a command takes on its command line: described once, for reading it and for --help.
// CLI11 does the work, behind this header: including it costs every file seven seconds to compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace bailey::cli {

// The words before a lone "--" and those after it; without one, everything is before.
struct SplitWords {
  std::vector<std::string> options;
  std::vector<std::string> program;
};
SplitWords SplitAtDashes(int argc, char** argv);

class Arguments {
 public:
  // What was just added, to be said more precisely.
  class Option {
   public:
    Option& Required();
    Option& OneOf(std::vector<std::string> values);
    Option& Between(unsigned least, unsigned most);
    Option& Called(const std::string& type);  // in --help: NAME, FORMAT
    Option& Words(int count);                 // so many values at once
    Option& Excludes(const Option& other);

   private:
    friend class Arguments;
    struct Entry;
    explicit Option(Entry& entry) : entry_(entry) {}
    Entry& entry_;
  };

  // `command`: "run"; the description may have several lines.
  Arguments(std::string command, std::string description);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  // Names are as CLI11 takes them: "-o,--output" for an option, "POLICY" for a place. The value
  // must outlive the call of Read, and keeps what it holds where the option is not given.
  Option Value(const std::string& name, std::string& value, const std::string& help);
  Option Value(const std::string& name, std::optional<std::uint64_t>& value,
               const std::string& help);
  Option Value(const std::string& name, int& value, const std::string& help);
  Option Value(const std::string& name, unsigned& value, const std::string& help);
  Option Value(const std::string& name, std::size_t& value, const std::string& help);
  // An option is repeated, with a value each; a place takes all the words there are.
  Option Values(const std::string& name, std::vector<std::string>& values, const std::string& help);
  // "--big-endian,!--little-endian": the name behind the ! says no.
  Option Flag(const std::string& name, bool& value, const std::string& help);
  // From the first word that is no option on, all words are a program's; `footer` ends --help.
  void EndsInProgram(const std::string& footer);

  // nullopt when the command is to go on, otherwise its exit code (help is printed on stdout, a
  // mistake as one line on stderr).
  std::optional<int> Read(std::vector<std::string> words, int usage_error);
  // After Read: the program's words, for a command that ends in one.
  std::vector<std::string> Program() const;

 private:
  template <class T>
  Option AddValue(const std::string& name, T& value, const std::string& help);
  Option Add(const std::string& name, std::function<CLI::Option*(CLI::App&)> add);
  void Register(const std::vector<std::string>& words);

  std::string command_;
  std::unique_ptr<CLI::App> app_;
  std::vector<std::unique_ptr<Option::Entry>> entries_;
};

}  // namespace bailey::cli
