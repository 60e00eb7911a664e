//! The serial port of a virtual machine: bytes that arrive on the monitor's standard input wait here
//! until the guest reads them.

use std::collections::VecDeque;
use std::io::{self, Write};

const LOOP_SIZE: usize = 0x40;
const DATA: u8 = 0;
const LINE_STATUS: u8 = 5;
const STATUS_READY: u8 = 0x01;
const STATUS_EMPTY: u8 = 0x60;

pub trait Interrupt {
    fn trigger(&self) -> io::Result<()>;
}

pub struct Serial<I: Interrupt, W: Write> {
    interrupt: I,
    out: W,
    waiting: VecDeque<u8>,
    recent: [u8; LOOP_SIZE],
    written: usize,
    lost: u64,
}

impl<I: Interrupt, W: Write> Serial<I, W> {
    pub fn new(interrupt: I, out: W) -> Self {
        Serial {
            interrupt,
            out,
            waiting: VecDeque::with_capacity(LOOP_SIZE),
            recent: [0; LOOP_SIZE],
            written: 0,
            lost: 0,
        }
    }

    /// Bytes for the guest, from whoever writes to the monitor's input.
    pub fn queue_input(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = LOOP_SIZE.saturating_sub(self.waiting.len());
        let taken = bytes.len().min(room);
        self.waiting.extend(&bytes[..taken]);
        self.lost += (bytes.len() - taken) as u64;
        if !self.waiting.is_empty() {
            self.interrupt.trigger()?;
        }
        Ok(())
    }

    /// A byte from the guest. The last of them are kept for the crash report.
    pub fn write(&mut self, offset: u8, value: u8) -> io::Result<()> {
        if offset != DATA {
            return Ok(());
        }
        self.recent[self.written % LOOP_SIZE] = value;
        self.written += 1;
        self.out.write_all(&[value])?;
        self.out.flush()
    }

    pub fn read(&mut self, offset: u8) -> u8 {
        match offset {
            DATA => self.waiting.pop_front().unwrap_or(0),
            LINE_STATUS if self.waiting.is_empty() => STATUS_EMPTY,
            LINE_STATUS => STATUS_EMPTY | STATUS_READY,
            _ => 0,
        }
    }

    pub fn lost(&self) -> u64 {
        self.lost
    }

    pub fn recent(&self) -> &[u8] {
        &self.recent[..self.written.min(LOOP_SIZE)]
    }
}
