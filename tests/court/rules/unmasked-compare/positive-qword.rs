use seccompiler::*;

fn rules() -> Result<SeccompFilter, Error> {
    let push = SeccompRule::new(vec![SeccompCondition::new( /* found */
        1,
        SeccompCmpArgLen::Qword,
        SeccompCmpOp::Eq,
        libc::TIOCSTI,
    )?])?;
    SeccompFilter::new(
        [(libc::SYS_ioctl, vec![push])].into_iter().collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(1),
        TargetArch::x86_64,
    )
}
