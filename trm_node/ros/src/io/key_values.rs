//! Keys and values of diagnostic messages.

use std::fmt::Display;
use std::time::Duration;

use r2r::diagnostic_msgs::msg::KeyValue;
use trm_rt::usage::Usage;

/// A key and its value as text.
pub fn pair(key: &str, value: &dyn Display) -> KeyValue {
    KeyValue { key: key.to_owned(), value: value.to_string() }
}

/// Milliseconds as text.
pub fn ms(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}

/// What the planner thread has cost.
pub fn usage(usage: &Usage) -> [KeyValue; 4] {
    [
        pair("page_faults", &usage.page_faults),
        pair("allocations", &usage.allocations),
        pair("voluntary_switches", &usage.voluntary_switches),
        pair("involuntary_switches", &usage.involuntary_switches),
    ]
}
