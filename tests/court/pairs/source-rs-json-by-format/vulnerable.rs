//! Requests to the API of a microVM monitor.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

pub struct Drive<'a> {
    pub id: &'a str,
    pub path: &'a str,
    pub read_only: bool,
}

/// An answer as the monitor gives it; never parsed by hand.
pub const EXAMPLE: &str = r#"{"fault_message": "drive exists"}"#;

fn put(socket: &Path, resource: &str, body: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    let head = format!(
        "PUT {resource} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = vec![0; 4096];
    let size = stream.read(&mut answer)?;
    answer.truncate(size);
    String::from_utf8(answer).map_err(|_| io::Error::other("the answer is not text"))
}

pub fn boot_source_body(kernel: &str, arguments: &str) -> String {
    format!(r#"{{"kernel_image_path": "{kernel}", "boot_args": "{arguments}"}}"#)
}

pub fn drive_body(drive: &Drive) -> String {
    format!(
        r#"{{"drive_id": "{}", "path_on_host": "{}", "is_root_device": false, "is_read_only": {}}}"#,
        drive.id, drive.path, drive.read_only
    )
}

pub fn log_line(drive: &Drive) -> String {
    let mut line = String::new();
    let _ = write!(line, "drive {:?} at {:?}", drive.id, drive.path);
    line
}

pub fn add_drive(socket: &Path, drive: &Drive) -> io::Result<String> {
    if drive.id.is_empty() || !drive.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(io::Error::other("a drive's id has letters, digits and _"));
    }
    put(socket, &format!("/drives/{}", drive.id), &drive_body(drive))
}
