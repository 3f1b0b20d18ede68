//! Sums up the samples of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::machine::telemetry::readings::Readings;
use crate::machine::telemetry::sensor::SensorSample;
use crate::machine::telemetry::{rails, rapl};

/// Below so many seconds the energy is marked as rough: an INA3221 updates every 430 ms, which is 1.4 % of this time.
const ENOUGH_SECONDS: f64 = 30.0;

/// The mean over time of a number that may sometimes be missing.
#[derive(Default)]
struct Mean {
    /// Time and value of the last reading; `None` after a missing one.
    last: Option<(f64, f64)>,
    integral: f64,
    covered: f64,
    first: Option<f64>,
}

impl Mean {
    fn add(&mut self, at: f64, value: Option<f64>) {
        let Some(value) = value else {
            self.last = None;
            return;
        };
        if let Some((before, old)) = self.last {
            // The value is taken to be linear between two readings.
            self.integral += (at - before) * f64::midpoint(old, value);
            self.covered += at - before;
        }
        self.first = self.first.or(Some(value));
        self.last = Some((at, value));
    }

    fn get(&self) -> Option<f64> {
        if self.covered > 0.0 { Some(self.integral / self.covered) } else { self.first }
    }
}

/// Adds up the samples of a run.
#[derive(Default)]
pub struct Recorder {
    /// Time of the last sample, in seconds after the start.
    elapsed: f64,
    samples: u64,
    rails: BTreeMap<String, Mean>,
    total: Mean,
    total_of: Option<&'static [&'static str]>,
    domains_mj: BTreeMap<String, f64>,
    gpu: Mean,
    temperatures_c: BTreeMap<String, f64>,
    /// The first and the last count of throttle events.
    throttled: Option<(u64, u64)>,
}

impl Recorder {
    /// Takes a sample that was read `at` this time after the run's start.
    pub fn add(&mut self, at: Duration, sample: SensorSample) {
        let at = at.as_secs_f64();
        self.elapsed = at;
        self.samples += 1;
        for name in sample.rails_mw.keys() {
            if !self.rails.contains_key(name) {
                self.rails.insert(name.clone(), Mean::default());
            }
        }
        for (name, mean) in &mut self.rails {
            mean.add(at, sample.rails_mw.get(name).copied());
        }
        let total = rails::total(&sample.rails_mw);
        self.total.add(at, total.map(|(power, _)| power));
        self.total_of = self.total_of.or(total.map(|(_, names)| names));
        self.gpu.add(at, sample.gpu_percent);
        self.domains_mj.extend(sample.domains_mj);
        for (zone, celsius) in sample.temperatures_c {
            self.temperatures_c.entry(zone).and_modify(|hottest| *hottest = hottest.max(celsius)).or_insert(celsius);
        }
        if let Some(count) = sample.throttle_events {
            self.throttled = Some((self.throttled.map_or(count, |(first, _)| first), count));
        }
    }

    /// The sums and means; `None` if no sensor gave anything.
    pub fn readings(self) -> Option<Readings> {
        let seconds = self.elapsed;
        let mut rails: BTreeMap<String, f64> =
            self.rails.into_iter().filter_map(|(name, mean)| Some((name, mean.get()?))).collect();
        let (mut average_mw, mut energy_mj, mut energy_of, mut note) = (None, None, None, None);
        if let Some(power) = self.total.get() {
            average_mw = Some(power);
            energy_mj = Some(power * seconds);
            energy_of = self.total_of.map(|names| names.join(" + "));
            if seconds < ENOUGH_SECONDS {
                note = Some(format!(
                    "the power monitors update each 430 ms: an energy over {seconds:.0} s is rough, run \
                     {ENOUGH_SECONDS} s or longer"
                ));
            }
        } else if self.domains_mj.keys().any(|name| rapl::is_of_the_whole(name)) {
            let whole = || self.domains_mj.iter().filter(|(name, _)| rapl::is_of_the_whole(name));
            let energy: f64 = whole().map(|(_, energy)| energy).sum();
            energy_mj = Some(energy);
            average_mw = (seconds > 0.0).then(|| energy / seconds);
            energy_of = Some(whole().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" + "));
        }
        if seconds > 0.0 {
            rails.extend(self.domains_mj.into_iter().map(|(name, energy)| (name, energy / seconds)));
        }
        let readings = Readings {
            seconds,
            samples: self.samples,
            energy_mj,
            energy_of,
            average_mw,
            rails,
            temperatures_c: self.temperatures_c,
            gpu_percent: self.gpu.get(),
            throttle_events: self.throttled.map(|(first, last)| last.saturating_sub(first)),
            note,
        };
        let nothing = Readings { seconds, samples: self.samples, ..Readings::default() };
        (readings != nothing).then_some(readings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rails: &[(&str, f64)]) -> SensorSample {
        SensorSample {
            rails_mw: rails.iter().map(|(name, power)| ((*name).to_owned(), *power)).collect(),
            ..SensorSample::default()
        }
    }

    fn after(samples: impl IntoIterator<Item = (f64, SensorSample)>) -> Option<Readings> {
        let mut recorder = Recorder::default();
        for (at, sample) in samples {
            recorder.add(Duration::from_secs_f64(at), sample);
        }
        recorder.readings()
    }

    #[test]
    fn power_is_integrated_over_the_time_between_the_readings() {
        let run = [(0.0, 1000.0), (10.0, 3000.0), (40.0, 3000.0)];
        let readings = after(run.map(|(at, power)| (at, sample(&[("VDD_IN", power), ("VDD_SOC", 500.0)])))).unwrap();
        assert_eq!(readings.energy_mj, Some(10.0 * 2000.0 + 30.0 * 3000.0));
        assert_eq!(readings.average_mw, Some(2750.0));
        assert_eq!(readings.energy_of.as_deref(), Some("VDD_IN"));
        assert_eq!(readings.rails.get("VDD_SOC"), Some(&500.0));
        assert_eq!((readings.samples, readings.note), (3, None));
    }

    #[test]
    fn a_rail_that_fails_for_a_while_counts_by_its_mean() {
        let lost =
            [(0.0, Some(1000.0)), (10.0, Some(1000.0)), (20.0, None), (30.0, Some(2000.0)), (40.0, Some(2000.0))];
        let readings =
            after(lost.map(|(at, power)| (at, sample(&power.map_or(vec![], |p| vec![("VDD_IN", p)]))))).unwrap();
        assert_eq!(readings.average_mw, Some(1500.0));
        assert_eq!(readings.energy_mj, Some(60_000.0));
    }

    #[test]
    fn a_short_run_says_that_its_energy_is_rough() {
        let readings = after([(0.0, sample(&[("VDD_IN", 5000.0)])), (3.0, sample(&[("VDD_IN", 5000.0)]))]).unwrap();
        assert_eq!(readings.energy_mj, Some(15_000.0));
        assert!(readings.note.as_deref().is_some_and(|note| note.contains("430 ms")), "{readings:?}");
        let rows = readings.rows();
        assert_eq!(rows[0], ("energy of VDD_IN".to_owned(), "15.0 J in 3.0 s, 5.00 W on average".to_owned()));
        assert_eq!(rows.last().unwrap().0, "note");
    }

    #[test]
    fn of_processors_energy_the_parts_count_once() {
        let used = |core, package, dram| SensorSample {
            domains_mj: [("package-0/core", core), ("package-0", package), ("package-0/dram", dram), ("psys", 1e6)]
                .into_iter()
                .map(|(name, energy)| (name.to_owned(), energy))
                .collect(),
            ..SensorSample::default()
        };
        let readings = after([(0.0, used(0.0, 0.0, 0.0)), (2.0, used(10_000.0, 20_000.0, 4000.0))]).unwrap();
        assert_eq!(readings.energy_mj, Some(24_000.0));
        assert_eq!(readings.average_mw, Some(12_000.0));
        assert_eq!(readings.energy_of.as_deref(), Some("package-0 + package-0/dram"));
        assert_eq!(readings.rails.get("package-0/core"), Some(&5000.0));
        assert_eq!(readings.note, None, "these counters are exact at any length");
    }

    #[test]
    fn temperatures_are_the_highest_events_the_new_ones_and_the_load_its_mean() {
        let moment = |celsius, gpu, events| SensorSample {
            temperatures_c: [("cpu".to_owned(), celsius)].into(),
            gpu_percent: Some(gpu),
            throttle_events: Some(events),
            ..SensorSample::default()
        };
        let readings =
            after([(0.0, moment(50.0, 0.0, 52)), (1.0, moment(61.5, 40.0, 55)), (2.0, moment(55.0, 0.0, 55))]).unwrap();
        assert_eq!(readings.temperatures_c.get("cpu"), Some(&61.5));
        assert_eq!((readings.gpu_percent, readings.throttle_events), (Some(20.0), Some(3)));
        assert_eq!(readings.energy_mj, None);
        let json = serde_json::to_string(&readings).unwrap();
        assert_eq!(serde_json::from_str::<Readings>(&json).unwrap(), readings);
        assert_eq!(serde_json::from_str::<Readings>("{\"later\": 1}").unwrap(), Readings::default());
    }

    #[test]
    fn a_machine_whose_sensors_say_nothing_has_no_readings() {
        assert_eq!(after([(0.0, SensorSample::default()), (1.0, SensorSample::default())]), None);
    }
}
