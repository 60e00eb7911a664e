use std::process::Command;

fn run(program: &str, arguments: &[String]) -> std::io::Result<()> {
    Command::new("/usr/bin/bwrap")
        .args(["--unshare-all", "--ro-bind", "/usr", "/usr"])
        .arg(program) /* found */
        .args(arguments)
        .status()?;
    Ok(())
}
