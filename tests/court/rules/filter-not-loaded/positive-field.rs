use seccompiler::{BpfProgram, SeccompFilter};
use std::process::Command;

pub struct Runner {
    program: String,
    calls: BpfProgram, /* found */
}

impl Runner {
    pub fn new(program: String, calls: BpfProgram) -> Self {
        Runner { program, calls }
    }

    pub fn start(&self) -> std::io::Result<()> {
        Command::new(&self.program).spawn()?;
        Ok(())
    }
}
