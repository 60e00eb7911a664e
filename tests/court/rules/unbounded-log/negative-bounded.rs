use std::collections::VecDeque;

const CAPACITY: usize = 4096;

pub struct AuditLog {
    entries: VecDeque<String>,
    dropped: u64,
}

impl AuditLog {
    pub fn record(&mut self, line: String) {
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(line);
    }
}

pub fn read_events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for line in text.lines() {
        events.push(Event::from(line));
    }
    events
}
