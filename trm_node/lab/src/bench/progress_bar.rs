//! The progress bar on stderr.

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// Position of a full bar.
const FULL: u64 = 1000;
/// How often a bar is drawn at most, in hertz: drawing takes time from the threads that are measured.
const RATE_HZ: u8 = 4;
const TEMPLATE: &str = "{prefix:<10} [{bar:24}] {percent:>3} %  {msg}";

/// A bar for a part of the benchmark. It is drawn if stderr is a terminal or `is_forced`, and disappears when it is
/// dropped.
pub fn progress_bar(part: &'static str, is_forced: bool) -> ProgressBar {
    let target = if is_forced {
        ProgressDrawTarget::term_like_with_hz(Box::new(Term::stderr()), RATE_HZ)
    } else {
        ProgressDrawTarget::stderr_with_hz(RATE_HZ)
    };
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(FULL), target)
        .with_style(style.progress_chars("##."))
        .with_prefix(part)
        .with_finish(ProgressFinish::AndClear)
}

/// Shows which share of a part is done, from 0 to 1.
pub fn show_share(bar: &ProgressBar, done: f64) {
    bar.set_position((done.clamp(0.0, 1.0) * FULL as f64) as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_understood() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
