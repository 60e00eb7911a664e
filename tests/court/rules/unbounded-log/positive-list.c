#include <stdlib.h>

struct event {
  struct event* next;
  int number;
};
struct log {
  struct event* head;
};

int log_event(struct log* log, int number) {
  struct event* one = malloc(sizeof(*one));
  if (one == NULL) return -1;
  one->number = number;
  one->next = log->head;
  log->head = one; /* found */
  return 0;
}
