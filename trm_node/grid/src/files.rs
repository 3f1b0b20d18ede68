//! Reads files that others wrote, and no more of them than a limit.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// Reads a regular file of at most `most` bytes, also where links lead to it. Opening a FIFO would wait for a writer,
/// and a device may have a length of 0 and no end. What a file holds can change while it is read, so the limit doesn't
/// trust its length.
///
/// # Errors
/// When the file can't be read, is no regular file, or is larger.
pub fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>> {
    let length = length(path)?;
    let bytes = if length <= most { head(path, most + 1)? } else { Vec::new() };
    let size = length.max(bytes.len() as u64);
    if size > most {
        let reason = format!("has at least {size} bytes, larger than {most} bytes, the limit of this file");
        return Err(Error::new(ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

/// Reads the first bytes of a regular file, at most so many.
///
/// # Errors
/// When the file can't be read or is no regular file.
pub fn head(path: &Path, most: u64) -> Result<Vec<u8>> {
    length(path)?;
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn length(path: &Path) -> Result<u64> {
    let about = std::fs::metadata(path)?;
    if about.is_file() { Ok(about.len()) } else { Err(Error::new(ErrorKind::InvalidInput, "not a regular file")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_just_the_limit_is_read_and_a_larger_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"12345").unwrap();
        assert_eq!(read_at_most(&file, 5).unwrap(), b"12345");
        let error = read_at_most(&file, 4).unwrap_err().to_string();
        assert_eq!(error, "has at least 5 bytes, larger than 4 bytes, the limit of this file");
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        for path in ["/dev/zero", "/proc/self"] {
            assert_eq!(read_at_most(Path::new(path), 5).unwrap_err().to_string(), "not a regular file", "{path}");
        }
        assert!(read_at_most(Path::new("/nowhere"), 5).unwrap_err().to_string().starts_with("No such file"));
    }
}
