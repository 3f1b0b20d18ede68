//! What every kind of sensor has in common.

use std::collections::BTreeMap;
use std::time::Duration;

/// Time between two readings. An INA3221 updates every 430 ms, and a reading takes less than a millisecond of one core.
pub const PERIOD: Duration = Duration::from_millis(250);

/// What all sensors read at one moment. What the machine doesn't have, or what can't be read, is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SensorSample {
    /// Power of each rail, in milliwatts.
    pub rails_mw: BTreeMap<String, f64>,
    /// Energy that each domain has used since its reader was opened, in millijoules.
    pub domains_mj: BTreeMap<String, f64>,
    /// Temperature of each zone, in degrees Celsius.
    pub temperatures_c: BTreeMap<String, f64>,
    /// Load of the GPU, from 0 to 100.
    pub gpu_percent: Option<f64>,
    /// How often the machine has throttled itself since it booted.
    pub throttle_events: Option<u64>,
}

/// A kind of sensor that the machine has.
pub trait Sensor {
    /// Adds its present values to the sample.
    fn read(&mut self, sample: &mut SensorSample);
}
