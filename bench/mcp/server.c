// The smallest server that can be told apart from its gateway: it looks for an id and a word in
// each line, and answers with a text of 5 bytes, or of 10 MB.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kLine = 1 << 16, kBig = 10 * 1000 * 1000 };

static void WriteAll(const char* text, size_t size) {
  while (size > 0) {
    const ssize_t written = write(1, text, size);
    if (written <= 0) exit(1);
    text += written;
    size -= (size_t)written;
  }
}

static const char kTools[] =
    "{\"tools\":[{\"name\":\"small\",\"inputSchema\":{\"type\":\"object\"}},"
    "{\"name\":\"big\",\"inputSchema\":{\"type\":\"object\"}}]}";

int main(void) {
  static char line[kLine], head[256];
  char* const big = malloc(kBig);
  if (!big) return 1;
  memset(big, 'x', kBig);
  while (fgets(line, sizeof(line), stdin)) {
    const char* id = strstr(line, "\"id\":");
    if (!id) continue;
    id += 5;
    const int length = (int)strcspn(id, ",}");
    const int is_big = strstr(line, "\"big\"") != NULL;
    const char* result = "{\"content\":[{\"type\":\"text\",\"text\":\"small\"}]}";
    if (strstr(line, "tools/list")) result = kTools;
    if (strstr(line, "\"initialize\""))
      result =
          "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{}},"
          "\"serverInfo\":{\"name\":\"b\",\"version\":\"1\"}}";
    int size =
        snprintf(head, sizeof(head), "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":", length, id);
    if (size < 0 || size >= (int)sizeof(head)) return 1;
    if (is_big) {
      static const char kBegin[] = "{\"content\":[{\"type\":\"text\",\"text\":\"",
                        kEnd[] = "\"}]}}\n";
      WriteAll(head, (size_t)size);
      WriteAll(kBegin, sizeof(kBegin) - 1);
      WriteAll(big, kBig);
      WriteAll(kEnd, sizeof(kEnd) - 1);
    } else {
      char answer[1024];
      size = snprintf(answer, sizeof(answer), "%s%s}\n", head, result);
      WriteAll(answer, (size_t)size);
    }
  }
  return 0;
}
