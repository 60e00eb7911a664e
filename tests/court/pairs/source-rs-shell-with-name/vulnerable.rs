//! Starts and stops the containers of agents through the engine's command line.

use std::io;
use std::process::{Command, Output};

const ENGINE: &str = "/usr/bin/podman";

#[derive(Debug)]
pub struct Container {
    pub name: String,
    pub image: String,
}

/// Text for people; `sh -c` in it is only an example.
pub const HELP: &str = "To look inside: podman exec -it NAME sh -c 'ls /work'";

fn checked(output: Output, what: &str) -> io::Result<String> {
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("{what}: {text}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub fn version() -> io::Result<String> {
    checked(Command::new(ENGINE).args(["version", "--format", "json"]).output()?, "version")
}

pub fn start(container: &Container) -> io::Result<String> {
    let command = format!(
        "{ENGINE} run --detach --rm --network none --cap-drop all --name {} {}",
        container.name, container.image
    );
    checked(Command::new("/bin/sh").arg("-c").arg(&command).output()?, "start")
}

pub fn stop(container: &Container) -> io::Result<()> {
    let command = format!("{ENGINE} kill {} && {ENGINE} wait {}", container.name, container.name);
    checked(Command::new("/bin/sh").arg("-c").arg(&command).output()?, "stop").map(|_| ())
}

/// Free space where images are; fixed text, and a pipe is what a shell is for.
pub fn free_space() -> io::Result<u64> {
    let text = checked(
        Command::new("/bin/sh").arg("-c").arg("df --output=avail /var/lib/containers | tail -n 1").output()?,
        "df",
    )?;
    text.trim().parse().map_err(|_| io::Error::other("df: not a number"))
}
