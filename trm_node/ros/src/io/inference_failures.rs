//! Failures of the inference library, put into words once.

use trm_net::error::InferenceError;

/// So many kinds of failures are told apart. A library whose texts never repeat doesn't fill the log.
const KINDS: usize = 16;

/// The failures so far.
#[derive(Default)]
pub struct InferenceFailures {
    last: Option<InferenceError>,
    /// One of each kind.
    seen: Vec<InferenceError>,
}

impl InferenceFailures {
    /// Takes a failure. `true` when it is the first of its kind, and worth a log line.
    pub fn take(&mut self, error: InferenceError) -> bool {
        self.last = Some(error);
        let is_new = self.seen.len() < KINDS && !self.seen.contains(&error);
        if is_new {
            self.seen.push(error);
        }
        is_new
    }

    /// The last failure in words; empty when there was none.
    pub fn last(&self) -> String {
        self.last.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use trm_net::graph::Graph;

    use super::*;

    #[test]
    fn each_kind_of_failure_is_worth_one_log_line_and_the_last_one_is_kept() {
        let mut failures = InferenceFailures::default();
        assert_eq!(failures.last(), "");
        let (memory, shape) =
            (InferenceError::new(Graph::Net, "no memory"), InferenceError::new(Graph::Decode, "wrong shape"));
        assert!(failures.take(memory));
        assert!(!failures.take(memory), "with each plan");
        assert!(failures.take(shape));
        assert!(!failures.take(memory));
        assert_eq!(failures.last(), "inference: graph net failed: no memory");
        let news = (0..1000).filter(|i| failures.take(InferenceError::new(Graph::Net, i))).count();
        assert_eq!(news, KINDS - 2, "texts that never repeat");
        assert_eq!(failures.last(), "inference: graph net failed: 999");
    }
}
