use std::fs::{self, File};
use std::path::{Path, PathBuf};

pub struct Machine {
    id: String,
}

impl Machine {
    fn socket_path(&self) -> PathBuf {
        Path::new("/run/machines").join(&self.id).join("api.sock")
    }

    pub fn start(&self) -> std::io::Result<()> {
        let log = format!("/var/log/machines/{}.log", self.id);
        File::create(&log)?; /* found */
        Ok(())
    }

    pub fn stop(&self) -> std::io::Result<()> {
        fs::remove_file(self.socket_path())?; /* found */
        Ok(())
    }
}

pub fn snapshot(vm_name: &str) -> std::io::Result<()> {
    let path = format!("/srv/snapshots/{vm_name}/memory");
    fs::write(&path, b"")?; /* found */
    Ok(())
}
