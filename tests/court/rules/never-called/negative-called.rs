use std::process::Command;

trait Confine {
    fn apply_landlock(&self) -> Result<(), Error>;
}

struct Launcher;

impl Confine for Launcher {
    fn apply_landlock(&self) -> Result<(), Error> {
        restrict()
    }
}

fn apply_seccomp() -> Result<(), Error> {
    load()
}

fn launch(program: &str) -> Result<(), Error> {
    apply_seccomp()?;
    Command::new(program).spawn()?;
    Ok(())
}
