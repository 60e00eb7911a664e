//! The firewall of a microVM's network device: a table of its own, loaded in one transaction.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

pub struct Rules {
    pub machine: u32,
    pub address: Ipv4Addr,
    pub allowed: Vec<(Ipv4Addr, u16)>,
}

/// What people put into their own files; shown by `--help`.
pub const EXAMPLE: &str = "chain forward { type filter hook forward priority 0; }";

impl Rules {
    fn table(&self) -> String {
        format!("vm-{}", self.machine)
    }

    fn device(&self) -> String {
        format!("tap{}", self.machine)
    }

    /// The ruleset as nft reads it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "table inet {}", self.table());
        let _ = writeln!(text, "delete table inet {}", self.table());
        let _ = writeln!(text, "table inet {} {{", self.table());
        let _ = writeln!(text, "  chain egress {{");
        let _ = writeln!(text, "    iifname != \"{}\" accept", self.device());
        let _ = writeln!(text, "    ip saddr != {} drop", self.address);
        let _ = writeln!(text, "    ip daddr {{ 10.0.0.0/8, 169.254.0.0/16, 192.168.0.0/16 }} drop");
        for (address, port) in &self.allowed {
            let _ = writeln!(text, "    ip daddr {address} tcp dport {port} accept");
        }
        let _ = writeln!(text, "    counter drop");
        let _ = writeln!(text, "  }}");
        let _ = writeln!(text, "}}");
        text
    }

    pub fn load(&self) -> io::Result<()> {
        let mut nft = Command::new("/usr/sbin/nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn()?;
        if let Some(mut input) = nft.stdin.take() {
            input.write_all(self.text().as_bytes())?;
        }
        let status = nft.wait()?;
        if !status.success() {
            return Err(io::Error::other(format!("load {}: nft: {status}", self.table())));
        }
        Ok(())
    }
}
