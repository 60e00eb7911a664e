use std::process::Command;

struct Launcher {
    program: String,
}

impl Launcher {
    fn apply_seccomp_filter(&self) -> Result<(), Error> { /* found */
        seccompiler::apply_filter(&self.filter()?)
    }

    fn launch(&self) -> Result<(), Error> {
        Command::new(&self.program).spawn()?;
        Ok(())
    }
}
