//! How calls of the simulated model turn out.

/// How an answer turns out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It fails.
    Fails,
    /// NaN and large numbers.
    Garbage,
    /// It knows the way.
    Knows,
    /// All moves are equally good.
    Ignores,
}

/// Who decides how calls turn out, and lets their time pass.
pub trait Moods: Send + Sync {
    /// A call of the model takes its time.
    fn call(&self) -> Mood;

    /// Random bits.
    fn bits(&self) -> u64;
}
