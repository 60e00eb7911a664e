use libseccomp::{ScmpAction, ScmpArgCompare, ScmpFilterContext};

fn families(filter: &mut ScmpFilterContext, socket: ScmpSyscall) {
    for family in [16u64, 17, 40] {
        filter
            .add_rule_conditional_exact(ScmpAction::Errno(97), socket, &[compare(family)]) /* found */
            .ok();
    }
}
