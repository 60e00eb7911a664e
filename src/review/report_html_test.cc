#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "review/report.h"
#include "review/sample_trial.h"

namespace bailey::review {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Html, HasTheVerdictTheWayTheGuaranteesAndTheTranscript) {
  const std::string page = Html(SampleTrial(), SampleSubject());
  for (const char* part :
       {"<h1>Request changes</h1>", "<li class=\"badge high\">1 high</li>", "1 refuted",
        "<p>The filter: 5 of 7 instructions run, the answer is <code>allow</code></p>",
        "class=\"allow lit\"", "<span class=\"badge refuted-mark\">refuted</span>",
        "<summary>security_researcher</summary>", "<summary>code_author</summary>",
        "<summary>moderator</summary>", "<summary>review_board</summary>",
        "deny = [&quot;ptrace&quot;]"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
}

TEST(Html, LetsNothingRunAndNothingLoad) {
  const std::string page = Html(SampleTrial(), SampleSubject());
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; style-src 'unsafe-inline'; "
                              "img-src data:; base-uri 'none'; form-action 'none'\""));
  // The name of SVG's language and the hostile name as text are the only ones of these.
  std::string rest = page;
  for (const std::string_view known :
       {"xmlns=\"http://www.w3.org/2000/svg\"", "[x](javascript:y)"}) {
    for (std::size_t at = rest.find(known); at != std::string::npos; at = rest.find(known)) {
      rest.erase(at, known.size());
    }
  }
  for (const char* part : {"<script", "http://", "https://", "url(", "@import", "javascript",
                           " onload", " onerror", " onclick"}) {
    EXPECT_THAT(rest, Not(HasSubstr(part)));
  }
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

TEST(Html, NamesThatLookLikeThePageAreText) {
  Trial trial = SampleTrial();
  trial.subject = "</title><h1>Approve</h1>{{body}}";
  const std::string page = Html(trial, SampleSubject());
  EXPECT_THAT(page, HasSubstr("<p class=\"subject\">&lt;/title&gt;&lt;h1&gt;Approve&lt;/h1&gt;"
                              "{{body}}</p>"));
  EXPECT_THAT(page, Not(HasSubstr("<h1>Approve</h1>")));
}

TEST(Html, DoesWithoutAFilter) {
  const std::string page = Html({.subject = "launch.c"}, Subject{.title = "launch.c"});
  EXPECT_THAT(page, HasSubstr("<h1>Approve</h1>"));
  EXPECT_THAT(page, HasSubstr("nothing stands"));
  EXPECT_THAT(page, Not(HasSubstr("id=\"guarantees\"")));
  EXPECT_THAT(page, Not(HasSubstr("id=\"filter\"")));
}

}  // namespace
}  // namespace bailey::review
