use nix::unistd::{setgid, setuid};

fn drop_to(uid: Uid, gid: Gid) -> nix::Result<()> {
    setuid(uid)?; /* found */
    setgid(gid)?;
    Ok(())
}
