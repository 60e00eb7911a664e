use std::process::Command;

fn run(arguments: &[String]) -> std::io::Result<()> {
    Command::new("bwrap").args(["--unshare-all", "--", "/usr/bin/true"]).status()?;
    Command::new("env").args(arguments).status()?;
    Ok(())
}
