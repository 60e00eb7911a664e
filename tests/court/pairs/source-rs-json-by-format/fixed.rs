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

/// An object of JSON, written member by member; what has to be escaped is.
#[derive(Default)]
struct Object {
    text: String,
}

impl Object {
    fn quoted(value: &str) -> String {
        let mut out = String::from('"');
        for c in value.chars() {
            match c {
                '"' | '\\' => {
                    out.push('\\');
                    out.push(c);
                }
                c if u32::from(c) < 0x20 => {
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('"');
        out
    }

    fn member(mut self, name: &str, value: &str) -> Self {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        self.text.push_str(&Self::quoted(name));
        self.text.push(':');
        self.text.push_str(value);
        self
    }

    fn string(self, name: &str, value: &str) -> Self {
        let value = Self::quoted(value);
        self.member(name, &value)
    }

    fn boolean(self, name: &str, value: bool) -> Self {
        self.member(name, if value { "true" } else { "false" })
    }

    fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

pub fn boot_source_body(kernel: &str, arguments: &str) -> String {
    Object::default().string("kernel_image_path", kernel).string("boot_args", arguments).end()
}

pub fn drive_body(drive: &Drive) -> String {
    Object::default()
        .string("drive_id", drive.id)
        .string("path_on_host", drive.path)
        .boolean("is_root_device", false)
        .boolean("is_read_only", drive.read_only)
        .end()
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
