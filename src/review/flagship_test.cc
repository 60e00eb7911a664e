// The case that every release decides right: two versions of one filter and what two reviews said
// of it, beside what is true (tests/court/flagship).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "prove/call_text.h"
#include "review/against.h"
#include "review/read.h"
#include "review/report.h"
#include "review/trial.h"

namespace bailey::review {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Slurp(const std::string& name) {
  std::ifstream file(BAILEY_SOURCE_DIR "/tests/court/flagship/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

policy::Context Here() {
  return {.home = "/home/u", .current_directory = "/work", .native = abi::Arch::kX86_64};
}

Subject Policy(const std::string& name) {
  auto subject = name.ends_with(".toml") ? ReadPolicyText(Slurp(name), name, Here(), {})
                                         : ReadPolicy(name, Here(), {});
  EXPECT_TRUE(subject) << subject.error().text;
  return *std::move(subject);
}

// The policy and the code that builds and exports its filter.
Subject WithSource(const std::string& name) {
  Subject subject = Policy(name);
  auto source = ReadSource(Slurp("filter.c"), "filter.c");
  EXPECT_TRUE(source) << source.error().text;
  subject.sources = std::move(source->sources);
  return subject;
}

Trial WithClaims(const std::string& name) {
  const auto claims = ParseClaims(Slurp("claims.json"), "claims.json");
  EXPECT_TRUE(claims) << claims.error().text;
  return Try(WithSource(name), {.claims = *claims});
}

const Ruling* Find(const Trial& trial, std::string_view words) {
  for (const Ruling& ruling : trial.rulings) {
    if (ruling.vulnerability.find(words) != std::string::npos) return &ruling;
  }
  return nullptr;
}

const Finding* FindRule(const Trial& trial, std::string_view rule) {
  for (const Finding& finding : trial.findings) {
    if (finding.rule == rule) return &finding;
  }
  return nullptr;
}

bool HasKind(const Ruling& ruling, EvidenceKind kind) {
  return std::ranges::count(ruling.evidence, kind, &Evidence::kind) > 0;
}

struct Said {
  const char* words;
  const char* decision;
  EvidenceKind kind;
};

void ExpectRulings(const Trial& trial, std::span<const Said> table) {
  for (const Said& said : table) {
    const Ruling* const ruling = Find(trial, said.words);
    ASSERT_NE(ruling, nullptr) << said.words;
    EXPECT_EQ(Name(ruling->decision), said.decision) << said.words << ": " << ruling->justification;
    EXPECT_TRUE(HasKind(*ruling, said.kind)) << said.words;
  }
}

constexpr Said kTruth[] = {
    {"Keyring system calls are not filtered", "invalid", EvidenceKind::kProof},
    {"exported through a file in /tmp", "invalid", EvidenceKind::kSourceRule},
    {"Errors of rule building", "valid", EvidenceKind::kSourceRule},
    {"Socket families are not filtered on i386", "valid", EvidenceKind::kProof},
    {"Several architectures", "invalid", EvidenceKind::kProof},
    {"clone3 is blocked whole", "invalid", EvidenceKind::kProof},
    {"hard to maintain", "partially valid", EvidenceKind::kModelOpinion},
};

TEST(Flagship, TheOldVersionIsDecidedAsItIs) {
  const Trial trial = WithClaims("flatpak-old.toml");
  ExpectRulings(trial, kTruth);
  const Finding* const chroot = FindRule(trial, "filter/no-mount");
  ASSERT_NE(chroot, nullptr);
  EXPECT_EQ(chroot->vulnerability,
            "The calls that arrange mounts and the root by path are not all closed: chroot");
  EXPECT_EQ(Name(Find(trial, "are not all closed: chroot")->decision), "valid");
}

TEST(Flagship, TheFixedVersionHasNoChroot) {
  const Trial trial = WithClaims("flatpak");
  ExpectRulings(trial, kTruth);
  EXPECT_EQ(FindRule(trial, "filter/no-mount"), nullptr);
}

// What nobody found, in both.
TEST(Flagship, WhatStaysOpenIsFound) {
  for (const char* name : {"flatpak-old.toml", "flatpak"}) {
    const Trial trial = Try(Policy(name), {});
    for (const char* rule :
         {"filter/no-tty-linux", "filter/no-io-uring", "filter/no-bpf", "filter/no-userfaultfd",
          "filter/no-new-namespaces", "filter/no-kexec", "filter/unknown-closed"}) {
      EXPECT_NE(FindRule(trial, rule), nullptr) << name << ": " << rule;
    }
  }
}

TEST(Flagship, WithoutItsSocketRulesTheNativeArchitectureIsOpen) {
  const Trial trial = WithClaims("flatpak-multiarch.toml");
  const Finding* const sockets = FindRule(trial, "filter/only-socket-families");
  ASSERT_NE(sockets, nullptr);
  ASSERT_TRUE(sockets->witness);
  EXPECT_THAT(prove::CallText(*sockets->witness), HasSubstr("x86_64: socket(family="));
  const Ruling* const ruling = Find(trial, "Sockets of unlisted families can be made");
  EXPECT_EQ(Name(ruling->decision), "valid");
  EXPECT_GE(ruling->severity, Severity::kMedium);
  // And with the rules it is not.
  EXPECT_EQ(FindRule(Try(Policy("flatpak"), {}), "filter/only-socket-families"), nullptr);
}

TEST(Flagship, TheFixIsAChangeThatClosesChroot) {
  const Trial trial = TryChange(Policy("flatpak-old.toml"), Policy("flatpak"), {});
  ASSERT_EQ(trial.rulings.size(), 1U);
  EXPECT_THAT(trial.rulings[0].vulnerability, HasSubstr("chroot"));
  EXPECT_EQ(Name(trial.rulings[0].decision), "invalid");
  EXPECT_THAT(trial.findings[0].reason, HasSubstr("Found before the change"));
  EXPECT_THAT(trial.summary.researcher, HasSubstr("0 findings and closes 1"));
}

TEST(Flagship, TheFixUndoneIsConvicted) {
  const Trial trial = TryChange(Policy("flatpak"), Policy("flatpak-old.toml"), {});
  ASSERT_EQ(trial.rulings.size(), 1U);
  EXPECT_EQ(trial.findings[0].rule, "filter/no-mount");
  EXPECT_EQ(Name(trial.rulings[0].decision), "valid");
}

TEST(Flagship, TheAuthorClosesChrootAndNothingElse) {
  const Trial trial = Try(Policy("flatpak-old.toml"), {});
  for (const Answer& answer : trial.answers) {
    if (answer.vulnerability.find("all closed: chroot") == std::string::npos) continue;
    EXPECT_EQ(answer.fix, "[syscalls]\ndeny = [\"chroot\"]");
    EXPECT_THAT(answer.reason, HasSubstr("newly denied: chroot; nothing is newly allowed"));
    return;
  }
  FAIL() << "no answer about chroot";
}

TEST(Flagship, TheSameInputGivesTheSameBytes) {
  EXPECT_EQ(Json(WithClaims("flatpak-old.toml")), Json(WithClaims("flatpak-old.toml")));
}

}  // namespace
}  // namespace bailey::review
