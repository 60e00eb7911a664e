use libseccomp::{ScmpAction, ScmpFilterContext};

fn build() -> Result<(), Error> {
    let mut filter = ScmpFilterContext::new_filter(ScmpAction::Errno(1))?;
    // FIXME: ptrace should be blocked. found
    filter.add_rule(ScmpAction::Allow, ScmpSyscall::from_name("read")?)?;
    filter.load()
}
