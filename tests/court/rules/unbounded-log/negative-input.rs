use std::collections::VecDeque;

pub struct Port {
    waiting: VecDeque<u8>,
}

impl Port {
    pub fn queue_input(&mut self, bytes: &[u8]) {
        let room = 64 - self.waiting.len();
        self.waiting.extend(&bytes[..room.min(bytes.len())]);
    }

    pub fn read(&mut self) -> Option<u8> {
        self.waiting.pop_front()
    }
}
