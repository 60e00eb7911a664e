use libseccomp::*;

fn build(names: &[&str]) -> Result<ScmpFilterContext, Error> {
    let mut filter = ScmpFilterContext::new_filter(ScmpAction::Allow)?;
    for name in names {
        let _ = filter.add_rule(ScmpAction::Errno(1), ScmpSyscall::from_name(name)?);
        // found above
    }
    filter.load()?;
    Ok(filter)
}

fn lock() {
    seccompiler::apply_filter(&program()).ok();
    // found above
}
