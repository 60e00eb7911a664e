/* TODO: block ptrace, mount and the keyring in the launcher. */
int Start(void) { return 0; }
