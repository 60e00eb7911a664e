// A program that has the library in it and stays, as a server that starts commands does.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// Runs the command in a sandbox of the pool whose socket is `command[0]`; its exit status, or -1
// with a line on standard error.
int RunResident(char** command);

#ifdef __cplusplus
}
#endif
