//! Starts microVMs for the jobs of a queue: a directory, a firewall and a monitor for each.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;

use seccompiler::{BpfProgram, SeccompFilter};

#[derive(Clone)]
pub struct Denial {
    pub call: String,
    pub pid: u32,
}

/// What the guests were denied, for the page of the operator.
#[derive(Default)]
pub struct AuditLog {
    denials: Mutex<Vec<Denial>>,
}

impl AuditLog {
    /// Called for each denied call of a guest.
    pub fn record(&self, denial: Denial) {
        self.denials.lock().unwrap().push(denial);
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

    fn directory(&self, job: &Job) -> PathBuf {
        Path::new("/srv/machines").join(&job.vm_id)
    }

    fn write_configuration(&self, job: &Job) -> io::Result<PathBuf> {
        let path = format!("/tmp/machine-{}.json", job.cpus);
        let mut file = File::create(&path)?;
        writeln!(file, "{{\"vcpu_count\": {}}}", job.cpus)?;
        Ok(PathBuf::from(path))
    }

    fn install_firewall(&self, tap: &str) -> io::Result<()> {
        nft(&["add", "table", "inet", "machines"])?;
        nft(&["add", "chain", "inet", "machines", "egress"])?;
        nft(&["add", "rule", "inet", "machines", "egress", "iifname", tap, "ip", "daddr",
              "10.0.0.0/8", "drop"])
    }

    pub fn start(&self, job: &Job, tap: &str) -> io::Result<Child> {
        fs::create_dir_all(self.directory(job))?;
        let configuration = self.write_configuration(job)?;
        self.install_firewall(tap)?;
        Command::new(&self.monitor)
            .arg("--config-file")
            .arg(&configuration)
            .spawn()
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
