#include <stdlib.h>

struct log {
  struct event* events;
  size_t count;
};

int log_event(struct log* log, int number) {
  if (log->count >= 4096) return -1;
  struct event* grown = realloc(log->events, (log->count + 1) * sizeof(*grown));
  if (grown == NULL) return -1;
  log->events = grown;
  log->events[log->count++].number = number;
  return 0;
}
