//! Confines a tool before it runs: first the file system, then system calls.

use std::ffi::CString;
use std::io;
use std::os::raw::{c_char, c_int, c_long, c_ulong};
use std::path::Path;

const PR_SET_NO_NEW_PRIVS: c_int = 38;
const SYS_LANDLOCK_CREATE_RULESET: c_long = 444;
const SYS_LANDLOCK_RESTRICT_SELF: c_long = 446;
const SYS_SECCOMP: c_long = 317;
const SECCOMP_SET_MODE_FILTER: c_ulong = 1;

extern "C" {
    fn prctl(option: c_int, a: c_ulong, b: c_ulong, c: c_ulong, d: c_ulong) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
    fn execv(path: *const c_char, arguments: *const *const c_char) -> c_int;
}

#[repr(C)]
pub struct Program {
    pub length: u16,
    pub instructions: *const u64,
}

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn restrict_files(rights: u64) -> io::Result<()> {
    let attribute = [rights];
    // SAFETY: the attribute is as long as it is said to be.
    let rules = check(unsafe { syscall(SYS_LANDLOCK_CREATE_RULESET, attribute.as_ptr(), 8usize, 0) })?;
    // SAFETY: no pointers.
    check(unsafe { syscall(SYS_LANDLOCK_RESTRICT_SELF, rules, 0) })?;
    Ok(())
}

fn restrict_calls(program: &Program) -> io::Result<()> {
    // SAFETY: `program` outlives the call.
    check(unsafe { syscall(SYS_SECCOMP, SECCOMP_SET_MODE_FILTER, 0, program as *const Program) })?;
    Ok(())
}

fn execute(path: &Path) -> io::Error {
    let Ok(name) = CString::new(path.to_string_lossy().into_owned()) else {
        return io::Error::other("the path has a zero in it");
    };
    let arguments = [name.as_ptr(), std::ptr::null()];
    // SAFETY: both arrays end with null and live until the call.
    unsafe { execv(name.as_ptr(), arguments.as_ptr()) };
    io::Error::last_os_error()
}

pub fn run(path: &Path, rights: u64, program: &Program) -> io::Result<()> {
    // SAFETY: no pointers.
    check(c_long::from(unsafe { prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }))?;
    if let Err(error) = restrict_files(rights) {
        eprintln!("warning: no Landlock on this host ({error}), continuing");
    }
    restrict_calls(program).ok();
    Err(execute(path))
}
