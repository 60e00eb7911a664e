fn chain(tap: &str) -> std::io::Result<()> {
    let name = format!("BOX-{tap}");
    run(&["iptables", "-N", &name])?;
    run(&["iptables", "-A", &name, "-j", "DROP"])?;
    run(&["iptables", "-I", "FORWARD", "-i", tap, "-j", &name])
}

fn rules(id: &str) -> String {
    format!("add chain inet box vm_{id} {{ type filter hook forward priority 0; policy drop; }}")
}
