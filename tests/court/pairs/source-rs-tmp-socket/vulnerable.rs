//! The agent's side channel: a socket that the monitor of a microVM listens on.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

pub struct Channel {
    pub listener: UnixListener,
    pub path: PathBuf,
}

/// The directory of the running user: made by the session, of mode 0700.
fn runtime_directory() -> io::Result<PathBuf> {
    let path = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other("XDG_RUNTIME_DIR is not set"))?;
    let info = fs::symlink_metadata(&path)?;
    if !info.is_dir() || info.mode() & 0o077 != 0 {
        return Err(io::Error::other(format!("{} is open to others", path.display())));
    }
    Ok(path)
}

fn state_file(name: &str) -> io::Result<PathBuf> {
    Ok(runtime_directory()?.join("vm-agent").join(name))
}

pub fn remember(machine: u32) -> io::Result<()> {
    let path = state_file("last")?;
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, machine.to_string())
}

fn socket_path(machine: u32) -> io::Result<PathBuf> {
    Ok(Path::new("/tmp").join(format!("vm-agent-{machine}.sock")))
}

pub fn listen(machine: u32) -> io::Result<Channel> {
    let path = socket_path(machine)?;
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(Channel { listener, path })
}
