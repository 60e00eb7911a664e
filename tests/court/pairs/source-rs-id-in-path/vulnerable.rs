//! Where the files of a microVM are: its API socket, its log and its snapshot.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    pub socket: PathBuf,
    pub log: PathBuf,
    pub snapshot: PathBuf,
}

#[derive(Debug)]
pub enum Error {
    Id(String),
    Io(PathBuf, io::Error),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Id(id) => write!(f, "place files of {id:?}: not an id"),
            Error::Io(path, error) => write!(f, "place {}: {error}", path.display()),
        }
    }
}

/// A label is shown to people and names no file.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && !text.contains(|c: char| c.is_control())
}

/// Files of the machine `id`, as the client that creates it calls it.
pub fn paths(runtime: &Path, id: &str) -> Result<Paths, Error> {
    if !is_label(id) {
        return Err(Error::Id(id.to_string()));
    }
    let directory = runtime.join(id);
    Ok(Paths {
        socket: directory.join("api.sock"),
        log: directory.join("log"),
        snapshot: runtime.join(format!("{id}.snapshot")),
    })
}

pub fn prepare(runtime: &Path, id: &str) -> Result<Paths, Error> {
    let paths = paths(runtime, id)?;
    let directory = paths.socket.parent().unwrap_or(runtime);
    fs::create_dir_all(directory).map_err(|error| Error::Io(directory.to_path_buf(), error))?;
    match fs::remove_file(&paths.socket) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::Io(paths.socket.clone(), error)),
    }
    Ok(paths)
}

pub fn clean(runtime: &Path, id: &str) -> Result<(), Error> {
    let paths = paths(runtime, id)?;
    let directory = paths.socket.parent().unwrap_or(runtime);
    fs::remove_dir_all(directory).map_err(|error| Error::Io(directory.to_path_buf(), error))
}
