use std::fs::{File, OpenOptions};

fn exclusive() -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open("/tmp/box.lock")
}

fn unnamed() -> std::io::Result<File> {
    tempfile::tempfile()
}

fn own(directory: &Directory) -> std::io::Result<File> {
    File::create(directory.path().join("box.log"))
}
