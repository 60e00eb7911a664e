use libseccomp::*;

fn build() -> Result<(), Error> {
    let mut filter = ScmpFilterContext::new_filter(ScmpAction::Allow)?;
    filter.add_rule(ScmpAction::Errno(1), ScmpSyscall::from_name("mount")?)?;
    let added = filter.add_rule(ScmpAction::Errno(1), ScmpSyscall::from_name("chroot")?);
    if added.is_err() {
        return added;
    }
    filter.load().expect("the filter is refused");
    // let _ = filter.load();
    println!("let _ = filter.load();");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn builds() {
        let _ = filter().add_rule(ScmpAction::Errno(1), 1);
    }
}
