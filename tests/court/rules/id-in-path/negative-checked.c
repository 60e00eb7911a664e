#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static int IsValidId(const char* id) {
  for (const char* at = id; *at; at++)
    if (!isalnum((unsigned char)*at)) return 0;
  return *id != 0;
}

static int Open(const char* vm_id) {
  char path[256];
  snprintf(path, sizeof(path), "/srv/vm/%s.log", vm_id);
  return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

int Start(const char* id) {
  if (!IsValidId(id)) return -1;
  return Open(id);
}

int Number(int vm_id) {
  char path[256];
  snprintf(path, sizeof(path), "/srv/vm/%d.log", vm_id);
  return open(path, O_RDONLY);
}

int Named(const char* vm_name) {
  char path[256];
  if (strchr(vm_name, '/') != NULL) return -1;
  snprintf(path, sizeof(path), "/srv/vm/%s.log", vm_name);
  return open(path, O_RDONLY);
}

static int Fixed(const char* volume_name) {
  char path[256];
  snprintf(path, sizeof(path), "/srv/vm/%s", volume_name);
  return open(path, O_RDONLY);
}

int Both(void) { return Fixed("data") + Fixed("root"); }
