//! Entries with their numbers: each is one message on the topic `~/plan_log`, and stands in a file after its length
//! in four bytes, the least one first.

use trm_grid::bytes::{Bytes, BytesError, Put};

use super::error::RecordError;

/// With it each entry begins.
const MAGIC: &[u8; 4] = b"TRMP";
/// Counts the changes of the format.
pub const FORMAT: u8 = 2;

/// Begins an entry in a buffer.
pub fn begin(number: u64, to: &mut Vec<u8>) {
    to.clear();
    to.put_bytes(MAGIC);
    to.put_u8(FORMAT);
    to.put_count(number);
}

/// Appends an entry to a file.
pub fn append(entry: &[u8], file: &mut Vec<u8>) {
    file.put_bytes(&(entry.len() as u32).to_le_bytes());
    file.put_bytes(entry);
}

/// The entries of a file, each with its number and what comes after that. The numbers go up by one; with 0 a node began
/// anew.
pub struct Frames<'a> {
    file: Bytes<'a>,
    /// The number that is to come next; `None` at the beginning.
    next: Option<u64>,
}

impl<'a> Frames<'a> {
    /// From the first byte on.
    #[must_use]
    pub const fn new(file: &'a [u8]) -> Self {
        Self { file: Bytes::new(file), next: None }
    }

    fn read(&mut self) -> Result<(u64, Bytes<'a>), RecordError> {
        let due = self.next.unwrap_or(0);
        let cut_off = |source| RecordError::Bytes { entry: due, source };
        let length = self.file.bytes("length of an entry", 4).map_err(cut_off)?;
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
        let mut entry = Bytes::new(self.file.bytes("entry", length as usize).map_err(cut_off)?);
        let magic = entry.bytes("entry", MAGIC.len()).map_err(cut_off)?;
        if magic != MAGIC {
            let found = String::from_utf8_lossy(magic).into_owned();
            return Err(RecordError::NoRecord { entry: due, found });
        }
        match entry.u8("format").map_err(cut_off)? {
            FORMAT => {}
            found => return Err(RecordError::Format { found, known: FORMAT }),
        }
        let number = entry.count("number of the entry").map_err(cut_off)?;
        match self.next {
            _ if number == 0 => {}
            None => return Err(RecordError::Late { first: number }),
            Some(next) if next == number => {}
            Some(from) if number > from => return Err(RecordError::Gap { from, to: number - 1 }),
            Some(next) => {
                let source = BytesError::value("number of the entry", &number, "the next one");
                return Err(RecordError::Bytes { entry: next, source });
            }
        }
        self.next = Some(number.saturating_add(1));
        Ok((number, entry))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<(u64, Bytes<'a>), RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.file.left() == 0 {
            return None;
        }
        let read = self.read();
        if read.is_err() {
            self.file = Bytes::new(&[]);
        }
        Some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(numbers: &[u64]) -> Vec<u8> {
        let (mut entry, mut file) = (Vec::new(), Vec::new());
        for number in numbers {
            begin(*number, &mut entry);
            entry.put_u8(42);
            append(&entry, &mut file);
        }
        file
    }

    fn read(file: &[u8]) -> Result<Vec<u64>, String> {
        let frames = Frames::new(file).map(|frame| frame.map(|(number, _)| number));
        frames.collect::<Result<_, _>>().map_err(|error| error.to_string())
    }

    #[test]
    fn a_node_that_begins_anew_is_no_gap_and_everything_else_is_told() {
        assert_eq!(read(&file(&[0, 1, 2, 0, 1])), Ok(vec![0, 1, 2, 0, 1]));
        let refused = |file: &[u8], said: &str| {
            let error = read(file).unwrap_err();
            assert!(error.contains(said), "{error}");
        };
        refused(&file(&[5, 6]), "begins with entry 5, not with 0");
        refused(&file(&[0, 1, 7]), "entries 2 to 6 are missing");
        refused(&file(&[0, 1, 1]), "entry 2: number of the entry is 1");
        let whole = file(&[0, 1]);
        refused(&whole[..whole.len() - 2], "entry 1: entry is cut off");
        refused(b"\x06\0\0\0rosbag", "begins with \"rosb\"");
        let mut newer = whole;
        newer[8] = FORMAT + 1;
        refused(&newer, "has format 3, this program reads 2");
    }
}
