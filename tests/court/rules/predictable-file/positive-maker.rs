use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

fn socket_path(number: u32) -> PathBuf {
    Path::new("/tmp").join(format!("box-{number}.sock")) /* found */
}

fn listen(number: u32) -> std::io::Result<UnixListener> {
    let path = socket_path(number);
    UnixListener::bind(&path)
}
