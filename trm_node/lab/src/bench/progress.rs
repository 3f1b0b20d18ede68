//! One line on stderr that says how far it is, where somebody looks.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often the line is written.
const EVERY: Duration = Duration::from_millis(250);
/// Cells of the bar.
const WIDTH: usize = 24;

pub struct Progress {
    shown: bool,
    written: Option<Instant>,
    longest: usize,
}

impl Progress {
    /// On a terminal, or where it is asked for.
    pub fn new(asked: bool) -> Self {
        Self { shown: asked || std::io::stderr().is_terminal(), written: None, longest: 0 }
    }

    /// Whether it is time for a new line: what it says is worked out only then.
    pub fn is_due(&self) -> bool {
        self.shown && self.written.is_none_or(|written| written.elapsed() >= EVERY)
    }

    /// Writes how much of a part is done, from 0 to 1, and what there is to say of it.
    pub fn show(&mut self, part: &str, done: f64, say: &str) {
        if !self.is_due() {
            return;
        }
        self.written = Some(Instant::now());
        let full = ((done.clamp(0.0, 1.0) * WIDTH as f64) as usize).min(WIDTH);
        let bar = format!("{}{}", "#".repeat(full), ".".repeat(WIDTH - full));
        self.write(&format!("{part:<10} [{bar}] {:>3.0} %  {say}", done.clamp(0.0, 1.0) * 100.0));
    }

    fn write(&mut self, line: &str) {
        let width = line.chars().count();
        self.longest = self.longest.max(width);
        // A terminal that has gone away needs no progress.
        let _ = write!(std::io::stderr(), "\r{line}{}", " ".repeat(self.longest - width));
    }

    /// Takes the line away.
    pub fn end(&mut self) {
        if self.shown && self.written.take().is_some() {
            self.write("");
            let _ = write!(std::io::stderr(), "\r");
            self.longest = 0;
        }
    }
}
