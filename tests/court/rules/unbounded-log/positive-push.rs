use std::sync::Mutex;

pub struct AuditLog {
    entries: Mutex<Vec<String>>,
}

impl AuditLog {
    pub fn record(&self, line: String) {
        self.entries.lock().unwrap().push(line); /* found */
    }

    pub fn count(&self) -> usize {
        self.entries.lock().unwrap().len()
    }
}
