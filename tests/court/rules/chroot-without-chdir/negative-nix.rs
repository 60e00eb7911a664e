use nix::unistd::{chdir, chroot};

fn enter(root: &Path) -> nix::Result<()> {
    chroot(root)?;
    chdir("/")?;
    Ok(())
}
