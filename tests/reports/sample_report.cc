// Prints the trial that tests made by hand, with hostile names in it:
//
//   sample_report markdown|sarif|html
#include <cstdio>
#include <string>
#include <string_view>

#include "review/report.h"
#include "review/sample_trial.h"

int main(int argc, char** argv) {
  using namespace bailey::review;
  const std::string_view format = argc == 2 ? argv[1] : "";
  std::string text;
  if (format == "markdown") text = Markdown(SampleTrial());
  if (format == "sarif") text = Sarif(SampleTrial(), SampleSubject());
  if (format == "html") text = Html(SampleTrial(), SampleSubject());
  if (text.empty()) {
    std::fprintf(stderr, "sample_report: write \"%s\": markdown, sarif or html is asked for\n",
                 std::string(format).c_str());
    return 2;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}
