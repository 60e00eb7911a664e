// The smallest server that can be told apart from its gateway: it looks for an id and a word in
// each line, and answers with a text of 5 bytes, or of 10 MB. "place" moves it to a processor.
#include <errno.h>
#include <sched.h>
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
    "{\"name\":\"big\",\"inputSchema\":{\"type\":\"object\"}},"
    "{\"name\":\"place\",\"inputSchema\":{\"type\":\"object\"}}]}";

// To the processors of this mask.
static void Place(const char* line) {
  const char* const mask = strstr(line, "\"mask\":");
  const unsigned long long bits = mask ? strtoull(mask + 7, NULL, 10) : 0;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (size_t cpu = 0; cpu < 64; ++cpu)
    if (bits >> cpu & 1) CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) {
    fprintf(stderr, "bench-mcp-server: move: %s\n", strerror(errno));
    exit(1);
  }
}

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
    if (strstr(line, "\"place\"")) Place(line);
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
