#include <gtest/gtest.h>

#include "review/docket.h"
#include "review/report.h"
#include "review/sample_trial.h"

namespace bailey::review {
namespace {

constexpr char kWant[] = R"(## Request changes: policy flatpak

3 findings stand (1 high, 1 medium, 1 low). 1 was refuted.

- **Researcher:** Four findings are filed.
- **Author:** One is refuted, three are mitigated.

### Severity: high

#### 1. ptrace is allowed

`policies/flatpak.toml:12` · `filter/no-ptrace` · valid · fix immediately

**Why:** No rule names ptrace, and the default is to allow. A program can change others of the same user.

**Fix:**

```
[syscalls]
deny = ["ptrace"]
```

**Author (mitigation):** The process namespace is its own.

**Board:** The proof has a witness, and no layer is left.

Evidence:

- proof: `bailey prove flatpak --guarantee no-ptrace`: refuted: x86\_64: ptrace(0) -\> allow

### Severity: medium

#### 2. a name is trusted: \<script\>alert(1)\</script\>\[x\](javascript:y)\@<!-- -->team\`\|\${7}

`src/launch.c:1` · `model/opinion` · partially valid · monitor

**Why:** It reaches a shell: \<script\>alert(1)\</script\>\[x\](javascript:y)\@<!-- -->team\`\|\${7} Unknown.

**Author (mitigation):** \<script\>alert(1)\</script\>\[x\](javascript:y)\@<!-- -->team\`\|\${7}

**Board:** Opinion alone is never more.

Evidence:

- model-opinion: `model example-model`: not tried

### Severity: low

#### 3. the result of add\_rule is ignored (src/launch.c:3)

`src/launch.c:3:3` · `source/ignored-result` · partially valid · monitor

**Why:** A rule that cannot be added is dropped. The filter is weaker than written.

**Fix:** `if (add_rule(filter) < 0) abort();`

**Author (mitigation):** The call fails rarely.

**Board:** The rule holds; what is dropped is not known.

Evidence:

- source-rule: `source/ignored-result`: src/launch.c:3: the result of add\_rule is not looked at

<details>
<summary>1 finding refuted</summary>

#### keyring calls are not filtered

**Claim:** A comment says so.

**Refutation:** All three are EPERM on every architecture.

**Board:** The proof refutes it.

Evidence:

- proof: `bailey prove flatpak --guarantee no-keyring`: proved

</details>

**Decision: request changes**
)";

TEST(Markdown, IsAReview) { EXPECT_EQ(Markdown(SampleTrial()), kWant); }

TEST(Markdown, ApprovesWhereNothingStands) {
  const Trial trial = {.subject = "policy vmm",
                       .summary = {.researcher = "Nothing is filed.", .author = "Nothing to say."}};
  EXPECT_EQ(Markdown(trial), R"(## Approve: policy vmm

Nothing was found that stands.

- **Researcher:** Nothing is filed.
- **Author:** Nothing to say.

**Decision: approve**
)");
}

TEST(Docket, DecidesByTheGravestAction) {
  Trial trial = SampleTrial();
  EXPECT_EQ(ReadDocket(trial).review, Review::kRequestChanges);
  trial.rulings[0].action = Action::kMonitor;
  EXPECT_EQ(ReadDocket(trial).review, Review::kComment);
  for (Ruling& ruling : trial.rulings) ruling.decision = Decision::kInvalid;
  EXPECT_EQ(ReadDocket(trial).review, Review::kApprove);
}

}  // namespace
}  // namespace bailey::review
