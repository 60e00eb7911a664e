use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

fn open_config(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused());
    }
    Ok(file)
}

fn size_of_link(path: &Path) -> std::io::Result<u64> {
    Ok(std::fs::symlink_metadata(path)?.len())
}
