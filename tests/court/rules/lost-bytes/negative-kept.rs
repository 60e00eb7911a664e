use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;

pub struct Guest {
    reader: BufReader<UnixStream>,
}

impl Guest {
    pub fn new(stream: UnixStream) -> Guest {
        Guest { reader: BufReader::new(stream) }
    }

    pub fn receive(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        Ok(line)
    }
}

fn serve(stream: &UnixStream) -> std::io::Result<()> {
    let reader = BufReader::new(stream);
    for line in reader.lines() {
        answer(line?);
    }
    Ok(())
}

fn first(file: File) -> std::io::Result<String> {
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line)
}
