use std::fs::{self, File};
use std::path::Path;

fn open_config(path: &Path) -> std::io::Result<File> {
    if fs::symlink_metadata(path)?.file_type().is_symlink() {
        return Err(refused());
    }
    File::open(path) /* found */
}
