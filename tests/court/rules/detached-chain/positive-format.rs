fn rules(id: &str, tap: &str) -> String {
    format!(
        /* found */ "table inet box {{
            chain vm_{id} {{
                iifname \"{tap}\" drop
            }}
        }}"
    )
}

fn chain(tap: &str) -> std::io::Result<()> {
    let name = format!("BOX-{tap}");
    run(&["iptables", "-N", &name])?; /* found */
    run(&["iptables", "-A", &name, "-j", "DROP"])
}
