#include "cli/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "verify/describe.h"
#include "verify/meaning.h"

namespace bailey::cli {
namespace {

using Json = nlohmann::ordered_json;
using verify::Diagram;
using verify::Ref;
using verify::Word;

std::string Hex(std::uint32_t value) { return fmt::format("{:08x}", value); }

std::string WordName(Word word) {
  if (word == Word::kArch) return "arch";
  if (word == Word::kNr) return "nr";
  if (word == Word::kIpHigh) return "ip.high";
  if (word == Word::kIpLow) return "ip.low";
  const unsigned place = static_cast<unsigned>(word) - static_cast<unsigned>(Word::kArg0High);
  return fmt::format("arg{}.{}", place / 2, place % 2 == 0 ? "high" : "low");
}

// The filters' answer to every call: ranges of architectures, in each ranges of numbers, and for
// each the place of its answer in `answers`.
class Table {
 public:
  explicit Table(Diagram& diagram) : diagram_(diagram) {}

  bool Write(Ref meaning, Json& json) {
    const auto archs = verify::Split(diagram_, meaning, Word::kArch);
    if (!archs) return false;
    json["architectures"] = Json::array();
    for (const verify::Span& arch : *archs) {
      const auto numbers = verify::Split(diagram_, arch.value, Word::kNr);
      if (!numbers) return false;
      Json ranges = Json::array();
      for (const verify::Span& span : *numbers) {
        const auto place = PlaceOf(span.value);
        if (!place) return false;
        ranges.push_back({span.first, span.last, *place});
      }
      json["architectures"].push_back(
          {{"first", arch.first}, {"last", arch.last}, {"numbers", std::move(ranges)}});
    }
    json["answers"] = std::move(answers_);
    return true;
  }

 private:
  static std::string Answer(Ref terminal) {
    return Hex(verify::ValueOf(Diagram::OutcomeAt(terminal)));
  }

  // An answer is a list of cases: the first whose tests hold decides, and the last has none.
  std::optional<std::size_t> PlaceOf(Ref value) {
    const auto known = places_.find(value);
    if (known != places_.end()) return known->second;
    const auto cases = verify::ListCases(diagram_, value);
    if (!cases) return std::nullopt;
    Json list = Json::array();
    for (const verify::Case& one : *cases) {
      Json tests = Json::array();
      for (const verify::WordTest& test : one.tests)
        tests.push_back({WordName(test.word), Hex(test.mask), Hex(test.first), Hex(test.last)});
      list.push_back({std::move(tests), Answer(one.terminal)});
    }
    answers_.push_back(std::move(list));
    return places_[value] = answers_.size() - 1;
  }

  Diagram& diagram_;
  Json answers_ = Json::array();
  std::map<Ref, std::size_t> places_;
};

std::string FilterText(const bpf::Program& program) {
  std::string text;
  for (const bpf::Instruction& one : program.Instructions())
    text += fmt::format("{:04x}{:02x}{:02x}{:08x}", one.code, one.jt, one.jf, one.k);
  return text;
}

Json Names(std::span<const abi::Arch> archs) {
  Json names = Json::array();
  for (const abi::Arch arch : archs) names.push_back(abi::Info(arch).name);
  return names;
}

Json Claim(const prove::Guarantee& guarantee, const prove::Finding& finding,
           prove::Prover& prover) {
  Json claim;
  claim["name"] = guarantee.name;
  claim["verdict"] = Name(finding.verdict);
  claim["calls"] = Json::object();
  for (const abi::Arch arch : prover.GetSubject().archs) {
    const auto numbers = prover.NumbersNamed(guarantee, arch);
    if (!numbers.empty()) claim["calls"][std::string(abi::Info(arch).name)] = numbers;
  }
  if (finding.verdict != prove::Verdict::kRefuted || !finding.witness) return claim;
  const bpf::SeccompData& witness = *finding.witness;
  claim["witness"] = {{"arch", witness.arch},
                      {"nr", witness.nr},
                      {"args", witness.args},
                      {"instruction_pointer", witness.instruction_pointer}};
  if (finding.answer) claim["answer"] = Hex(verify::ValueOf(*finding.answer));
  return claim;
}

// The rows' guarantees and all that these rest on, each once.
std::vector<const prove::Guarantee*> WithWhatTheyRestOn(std::span<const Row> rows,
                                                        const prove::Prover& prover) {
  std::vector<const prove::Guarantee*> all;
  for (const Row& row : rows) all.push_back(row.guarantee);
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const std::string_view name : all[i]->rests_on) {
      const prove::Guarantee* const other = prover.Find(name);
      if (other != nullptr && std::ranges::find(all, other) == all.end()) all.push_back(other);
    }
  }
  return all;
}

}  // namespace

base::Result<std::string> CertificateOf(const Judged& judged, std::span<const Row> rows,
                                        prove::Prover& prover) {
  const prove::Subject& subject = prover.GetSubject();
  Json json;
  json["certificate"] = 1;
  json["subject"] = judged.title;
  json["big_endian"] = subject.big_endian;
  json["in_play"] = Names(subject.archs);
  json["listed"] = Names(subject.listed);
  json["families"] = subject.families;
  json["filters"] = Json::array();
  for (const bpf::Program& program : subject.stack) json["filters"].push_back(FilterText(program));
  Diagram diagram;
  const Ref meaning = verify::MeaningOf(diagram, subject.stack, subject.big_endian);
  diagram.Refill();
  if (meaning == Diagram::kLost || !Table(diagram).Write(meaning, json["table"])) {
    return base::Unsupported("write certificate: a table of the filter's answers is too long");
  }
  json["guarantees"] = Json::array();
  for (const prove::Guarantee* const one : WithWhatTheyRestOn(rows, prover))
    json["guarantees"].push_back(Claim(*one, prover.Prove(*one), prover));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bailey::cli
