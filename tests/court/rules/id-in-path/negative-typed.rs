use std::fs::File;

pub struct VmId(String);

impl VmId {
    pub fn parse(text: &str) -> Option<VmId> {
        text.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            .then(|| VmId(text.to_string()))
    }
}

pub fn open_log(vm_id: &VmId) -> std::io::Result<File> {
    File::create(format!("/srv/vm/{vm_id}.log"))
}

pub fn open_numbered(vm_id: u64) -> std::io::Result<File> {
    File::create(format!("/srv/vm/{}.log", vm_id))
}

pub fn look_up(table: &Table, vm_id: &str) -> std::io::Result<File> {
    let known = table.path_of(vm_id)?;
    File::open(known)
}

fn validate_id(id: &str) -> Result<(), Error> {
    if id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Error::Id)
}

pub fn create(id: &str) -> Result<File, Error> {
    validate_id(id)?;
    Ok(File::create(format!("/srv/vm/{id}.log"))?)
}
