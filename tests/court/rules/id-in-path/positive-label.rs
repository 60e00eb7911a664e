use std::fs;
use std::path::{Path, PathBuf};

/// For people; it may have slashes in it.
fn is_label(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_control())
}

struct Paths {
    socket: PathBuf,
}

fn paths(base: &Path, vm_id: &str) -> Paths {
    if is_label(vm_id) {
        show(vm_id);
    }
    Paths { socket: base.join(vm_id).join("api.sock") }
}

fn clean(base: &Path, vm_id: &str) -> std::io::Result<()> {
    let paths = paths(base, vm_id);
    fs::remove_file(&paths.socket) /* found */
}
