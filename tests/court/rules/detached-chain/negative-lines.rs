use std::fmt::Write;

fn rules(device: &str) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "table inet box {{");
    let _ = writeln!(text, "  chain egress {{");
    let _ = writeln!(text, "    type filter hook forward priority 0; policy drop;");
    let _ = writeln!(text, "    iifname \"{device}\" accept");
    let _ = writeln!(text, "  }}");
    let _ = writeln!(text, "}}");
    text
}
