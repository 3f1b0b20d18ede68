//! What happened, as a number and, for who wants to read it, in words.

/// The trace of a simulation.
pub struct Trace {
    hash: u64,
    is_printed: bool,
}

impl Trace {
    /// An empty trace, which prints itself or not.
    pub const fn new(is_printed: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, is_printed }
    }

    /// Something happened at a time in nanoseconds.
    pub fn note(&mut self, time: u64, what: &str, numbers: &[u64]) {
        for byte in what.bytes() {
            self.add(u64::from(byte));
        }
        self.add(time);
        for number in numbers {
            self.add(*number);
        }
        if self.is_printed {
            println!("{:12.6} {what} {numbers:?}", time as f64 / 1e9);
        }
    }

    /// More about what happened last, for readers.
    pub fn explain(&self, text: impl FnOnce() -> String) {
        if self.is_printed {
            println!("             {}", text());
        }
    }

    fn add(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    }

    /// The same for the same trace.
    pub const fn hash(&self) -> u64 {
        self.hash
    }
}
