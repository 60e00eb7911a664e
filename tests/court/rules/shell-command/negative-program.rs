use std::process::Command;

fn remove_tap(tap: &str, pid: u32) -> std::io::Result<()> {
    Command::new("ip").args(["link", "del", tap]).status()?;
    Command::new("sh").arg("-c").arg("ip link show").status()?;
    Command::new("sh").arg("-c").arg(format!("kill {pid}")).status()?;
    let quoted = shell_words::quote(tap);
    Command::new("sh").arg("-c").arg(format!("echo {}", shell_words::quote(tap))).status()?;
    Ok(())
}
