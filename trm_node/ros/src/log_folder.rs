//! Where ROS writes its log files. rcl aborts the process when it can't create the folder, so that is looked at first.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Sees to it that ROS can write its log files: where its folder can't be created, in the system's folder for temporary
/// files, with a warning. Call it before there are threads.
pub fn ensure() {
    let Some(wanted) = wanted() else { return };
    let Err(error) = probe(&wanted) else { return };
    let other = env::temp_dir().join("trm_node_log");
    // There may be nobody to read it.
    let _ = writeln!(
        io::stderr(),
        "trm_node: can't write log files to {} ({error}): they go to {}",
        wanted.display(),
        other.display()
    );
    #[expect(unsafe_code, reason = "the environment is global")]
    // SAFETY: no other thread runs yet.
    unsafe {
        env::set_var("ROS_LOG_DIR", other);
    }
}

/// The folder that rcl takes: see `rcl_logging_get_logging_directory` of `rcl_logging_interface`.
fn wanted() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    set("ROS_LOG_DIR")
        .map(PathBuf::from)
        .or_else(|| set("ROS_HOME").map(|home| Path::new(&home).join("log")))
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".ros").join("log")))
}

/// Whether the folder can be made and written to.
fn probe(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let file = folder.join(format!(".trm_node_{}", std::process::id()));
    fs::File::create(&file)?;
    fs::remove_file(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_not_be_made_is_told_from_one_that_can() {
        assert!(probe(Path::new("/proc/no/such/folder")).is_err());
        assert!(probe(&env::temp_dir()).is_ok());
    }
}
