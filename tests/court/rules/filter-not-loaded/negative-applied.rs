use seccompiler::{BpfProgram, SeccompFilter};
use std::process::Command;

pub struct Runner {
    program: String,
    calls: BpfProgram,
}

impl Runner {
    pub fn start(&self) -> std::io::Result<()> {
        let calls = self.calls.clone();
        let mut command = Command::new(&self.program);
        unsafe {
            command.pre_exec(move || seccompiler::apply_filter(&calls).map_err(refused));
        }
        command.spawn()?;
        Ok(())
    }
}

fn build() -> Result<ScmpFilterContext, Error> {
    let mut filter = ScmpFilterContext::new_filter(ScmpAction::Allow)?;
    filter.add_arch(ScmpArch::Native)?;
    Ok(filter)
}
