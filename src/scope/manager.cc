#include "scope/manager.h"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <memory>

namespace bailey::scope {
namespace {

constexpr char kService[] = "org.freedesktop.systemd1";
constexpr char kObject[] = "/org/freedesktop/systemd1";
constexpr char kInterface[] = "org.freedesktop.systemd1.Manager";
constexpr std::uint64_t kPatience = 5'000'000;  // µs

struct Closer {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Bus = std::unique_ptr<sd_bus, Closer>;
using Message = std::unique_ptr<sd_bus_message, Closer>;

// Of the (name, value) pairs that make a unit; the last list, of further units, stays empty.
int AppendUnit(sd_bus_message* call, const std::string& name, pid_t process) {
  int done = sd_bus_message_append(call, "ss", name.c_str(), "fail");
  if (done >= 0) done = sd_bus_message_open_container(call, 'a', "(sv)");
  if (done >= 0)
    done = sd_bus_message_append(call, "(sv)", "Description", "s", "a sandbox made by bailey");
  if (done >= 0)
    done = sd_bus_message_append(call, "(sv)", "PIDs", "au", 1, static_cast<unsigned>(process));
  if (done >= 0) done = sd_bus_message_append(call, "(sv)", "Delegate", "b", 1);
  // A scope that failed, as of lack of memory, is forgotten as well.
  if (done >= 0)
    done = sd_bus_message_append(call, "(sv)", "CollectMode", "s", "inactive-or-failed");
  if (done >= 0) done = sd_bus_message_close_container(call);
  if (done >= 0) done = sd_bus_message_append(call, "a(sa(sv))", 0);
  return done;
}

}  // namespace

base::Status StartScope(const std::string& name, pid_t process) {
  const auto failed = [](int number) {
    return base::SystemError("ask systemd for a scope", -number);
  };
  sd_bus* opened = nullptr;
  if (const int done = sd_bus_open_user(&opened); done < 0) return failed(done);
  const Bus bus(opened);
  if (const int done = sd_bus_set_method_call_timeout(bus.get(), kPatience); done < 0)
    return failed(done);
  sd_bus_message* begun = nullptr;
  if (const int done = sd_bus_message_new_method_call(bus.get(), &begun, kService, kObject,
                                                      kInterface, "StartTransientUnit");
      done < 0)
    return failed(done);
  const Message call(begun);
  if (const int done = AppendUnit(call.get(), name, process); done < 0) return failed(done);
  sd_bus_error error = SD_BUS_ERROR_NULL;
  const int answered = sd_bus_call(bus.get(), call.get(), 0, &error, nullptr);
  std::string cause = error.message != nullptr ? error.message : "";
  sd_bus_error_free(&error);
  if (answered >= 0) return {};
  if (cause.empty()) return failed(answered);
  return base::Unsupported(fmt::format("ask systemd for a scope: {}", cause));
}

}  // namespace bailey::scope
