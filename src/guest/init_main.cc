// PID 1 of bailey's virtual machines: a static program of its own, which links nothing but this
// folder and the C library.
#include "guest/machine.h"
#include "guest/session.h"

int main() {
  const int line = bailey::guest::Boot();
  if (line >= 0) bailey::guest::Serve(line);
  bailey::guest::SwitchOff();
}
