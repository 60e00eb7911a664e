use std::fs::File;
use std::os::unix::net::UnixListener;

fn listen(number: u32) -> std::io::Result<UnixListener> {
    UnixListener::bind(format!("/tmp/box-{number}.sock")) /* found */
}

fn config(text: &str) -> std::io::Result<()> {
    let path = std::env::temp_dir().join("box.json"); /* found */
    std::fs::write(&path, text)
}

fn log() -> std::io::Result<File> {
    File::create("/dev/shm/box.log") /* found */
}
