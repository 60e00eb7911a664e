use std::process::Command;

fn remove_tap(tap: &str) -> std::io::Result<()> {
    Command::new("sh") /* found */
        .arg("-c")
        .arg(format!("ip link del {}", tap))
        .status()?;
    let command = format!("ip link show {tap}");
    Command::new("/bin/bash").args(["-c", &command]).status()?; /* found */
    Ok(())
}
