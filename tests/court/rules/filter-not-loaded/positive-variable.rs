use libseccomp::{ScmpAction, ScmpFilterContext};

fn confine(denied: &[ScmpSyscall]) -> Result<(), Error> {
    let mut filter = ScmpFilterContext::new_filter(ScmpAction::Allow)?; /* found */
    for call in denied {
        filter.add_rule(ScmpAction::Errno(1), *call)?;
    }
    Ok(())
}
