use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

pub struct Guest {
    stream: UnixStream,
}

impl Guest {
    pub fn ask(&mut self, question: &str) -> std::io::Result<String> {
        writeln!(self.stream, "{question}")?;
        let mut reader = BufReader::new(&self.stream); /* found */
        let mut answer = String::new();
        reader.read_line(&mut answer)?;
        Ok(answer)
    }
}

fn receive(stream: &UnixStream) -> std::io::Result<Vec<u8>> {
    let mut reader = BufReader::new(stream.try_clone()?); /* found */
    let mut frame = Vec::new();
    reader.read_until(b'\n', &mut frame)?;
    Ok(frame)
}
