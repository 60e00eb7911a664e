//! Starts microVMs for the jobs of a queue: a directory, a firewall and a monitor for each.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;

use seccompiler::{BpfProgram, SeccompFilter};

#[derive(Clone)]
pub struct Denial {
    pub call: String,
    pub pid: u32,
}

/// The last of what the guests were denied, for the page of the operator.
#[derive(Default)]
pub struct AuditLog {
    denials: Mutex<VecDeque<Denial>>,
}

const CAPACITY: usize = 4096;

impl AuditLog {
    /// Called for each denied call of a guest.
    pub fn record(&self, denial: Denial) {
        let mut denials = self.denials.lock().unwrap();
        if denials.len() == CAPACITY {
            denials.pop_front();
        }
        denials.push_back(denial);
    }

    pub fn of(&self, pid: u32) -> Vec<Denial> {
        let denials = self.denials.lock().unwrap();
        denials.iter().filter(|denial| denial.pid == pid).cloned().collect()
    }
}

pub struct Job {
    pub vm_id: String,
    pub kernel: PathBuf,
    pub cpus: u32,
}

pub struct Orchestrator {
    monitor: PathBuf,
    filter: BpfProgram,
    audit: AuditLog,
}

impl Orchestrator {
    pub fn new(monitor: PathBuf, filter: BpfProgram) -> Self {
        Orchestrator { monitor, filter, audit: AuditLog::default() }
    }

    /// An id becomes the name of a directory: letters, digits and hyphens.
    fn directory(&self, job: &Job) -> io::Result<PathBuf> {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if job.vm_id.is_empty() || job.vm_id.len() > 63 || !job.vm_id.bytes().all(good) {
            return Err(io::Error::other("the id has more than a to z, 0 to 9 and -"));
        }
        Ok(Path::new("/srv/machines").join(&job.vm_id))
    }

    fn write_configuration(&self, job: &Job) -> io::Result<PathBuf> {
        let path = self.directory(job)?.join("machine.json");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        writeln!(file, "{{\"vcpu_count\": {}}}", job.cpus)?;
        Ok(path)
    }

    fn install_firewall(&self, tap: &str) -> io::Result<()> {
        nft(&["add", "table", "inet", "machines"])?;
        nft(&["add", "chain", "inet", "machines", "egress",
              "{ type filter hook forward priority 0; policy drop; }"])?;
        nft(&["add", "rule", "inet", "machines", "egress", "iifname", tap, "ip", "daddr",
              "10.0.0.0/8", "drop"])
    }

    pub fn start(&self, job: &Job, tap: &str) -> io::Result<Child> {
        fs::create_dir_all(self.directory(job)?)?;
        let configuration = self.write_configuration(job)?;
        self.install_firewall(tap)?;
        let filter = self.filter.clone();
        let mut monitor = Command::new(&self.monitor);
        monitor.arg("--config-file").arg(&configuration);
        // SAFETY: applying a filter is a system call and nothing else.
        unsafe {
            monitor.pre_exec(move || seccompiler::apply_filter(&filter).map_err(io::Error::other));
        }
        monitor.spawn()
    }

    pub fn denied(&self, call: &str, pid: u32) {
        self.audit.record(Denial { call: call.to_string(), pid });
    }
}

fn nft(arguments: &[&str]) -> io::Result<()> {
    let status = Command::new("/usr/sbin/nft").args(arguments).status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("nft {}: {status}", arguments.join(" "))))
}
