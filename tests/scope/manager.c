// Stands in for the systemd of a user, on the bus of DBUS_SESSION_BUS_ADDRESS, in the one call that
// bailey makes: scopes are directories made below those given, which that user owns.
//
//   manager (do|refuse|forget|stall) DIRECTORY...
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

static char** directories;
static const char* manner;

static int move(const char* name, unsigned process) {
  for (char** directory = directories; *directory; ++directory) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", *directory, name);
    if (mkdir(path, 0755) != 0) return -errno;
    strcat(path, "/cgroup.procs");
    FILE* file = fopen(path, "w");
    if (!file) return -errno;
    fprintf(file, "%u", process);
    if (fclose(file) != 0) return -errno;
  }
  return 0;
}

static int start(sd_bus_message* call, void* unused, sd_bus_error* error) {
  (void)unused;
  const char *name, *mode, *key;
  unsigned process = 0;
  int delegate = 0, done = sd_bus_message_read(call, "ss", &name, &mode);
  if (done >= 0) done = sd_bus_message_enter_container(call, 'a', "(sv)");
  while (done >= 0 && sd_bus_message_enter_container(call, 'r', "sv") > 0) {
    done = sd_bus_message_read(call, "s", &key);
    if (done >= 0 && strcmp(key, "PIDs") == 0) {
      done = sd_bus_message_read(call, "v", "au", 1, &process);
    } else if (done >= 0 && strcmp(key, "Delegate") == 0) {
      done = sd_bus_message_read(call, "v", "b", &delegate);
    } else if (done >= 0) {
      done = sd_bus_message_skip(call, "v");
    }
    if (done >= 0) done = sd_bus_message_exit_container(call);
  }
  if (done < 0) return done;
  if (strcmp(mode, "fail") != 0 || process == 0 || !delegate || !strstr(name, ".scope"))
    return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "not what a scope needs");
  if (strcmp(manner, "stall") == 0) return 1;
  if (strcmp(manner, "refuse") == 0)
    return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "no scopes today");
  if (strcmp(manner, "do") == 0) done = move(name, process);
  if (done < 0) return done;
  return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/1");
}

static const sd_bus_vtable methods[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("StartTransientUnit", "ssa(sv)a(sa(sv))", "o", start, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};

int main(int count, char** words) {
  sd_bus* bus = NULL;
  if (count < 2) return 2;
  manner = words[1];
  directories = words + 2;
  int done = sd_bus_open_user(&bus);
  if (done >= 0)
    done = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/systemd1",
                                    "org.freedesktop.systemd1.Manager", methods, NULL);
  if (done >= 0) done = sd_bus_request_name(bus, "org.freedesktop.systemd1", 0);
  if (done >= 0 && puts("ready") >= 0) fflush(stdout);
  while (done >= 0) {
    done = sd_bus_process(bus, NULL);
    if (done == 0) done = sd_bus_wait(bus, UINT64_MAX);
  }
  fprintf(stderr, "manager: %s\n", strerror(-done));
  return 1;
}
