#include "review/read.h"
#include "review/source_lex.h"

namespace bailey::review {

base::Result<Subject> ReadSource(const std::string& text, const std::string& path) {
  auto file = Lex(text, path);
  if (!file) return file.error();
  Subject subject;
  subject.title = path;
  subject.file = path;
  subject.sources.push_back(*std::move(file));
  return subject;
}

}  // namespace bailey::review
