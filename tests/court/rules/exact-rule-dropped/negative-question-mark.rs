use libseccomp::{ScmpAction, ScmpFilterContext};

fn families(filter: &mut ScmpFilterContext, socket: ScmpSyscall) -> Result<(), Error> {
    filter.add_rule_conditional_exact(ScmpAction::Errno(97), socket, &[compare(40)])?;
    match filter.add_rule_exact(ScmpAction::Errno(97), socket) {
        Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}
