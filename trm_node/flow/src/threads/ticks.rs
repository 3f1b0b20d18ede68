//! When planning is due: at absolute times, so that a late tick doesn't delay those after it.

use std::time::Duration;

/// Ticks of one period while there is a goal. All times are readings of the monotonic clock.
#[derive(Debug)]
pub struct Ticks {
    period: Duration,
    /// The last tick, or when they were started, while they run.
    last: Option<Duration>,
    /// The next tick isn't earlier than when the period was changed.
    least: Duration,
    overruns: u64,
}

impl Ticks {
    /// Ticks of this frequency in Hz, which aren't running.
    #[must_use]
    pub fn new(frequency: f64) -> Self {
        Self { period: Duration::from_secs_f64(1.0 / frequency), last: None, least: Duration::ZERO, overruns: 0 }
    }

    /// Changes the period. The next tick comes one new period after the last one, but not before `now`: so ticks go on
    /// however often the period is changed.
    pub fn set_frequency(&mut self, frequency: f64, now: Duration) {
        self.period = Duration::from_secs_f64(1.0 / frequency);
        self.least = now;
    }

    /// Starts a period after `now`, unless they are running.
    pub fn start(&mut self, now: Duration) {
        self.last.get_or_insert(now);
    }

    /// Stops them.
    pub fn stop(&mut self) {
        self.last = None;
    }

    /// The time of the next tick.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        self.last.map(|last| (last + self.period).max(self.least))
    }

    /// Ticks that were skipped because the planner was still at work or woke up too late.
    #[must_use]
    pub const fn overruns(&self) -> u64 {
        self.overruns
    }

    /// The newest tick that is due; older ones are overruns.
    pub fn due(&mut self, now: Duration) -> Option<Duration> {
        let next = self.next().filter(|next| *next <= now)?;
        let late = self.periods(now.saturating_sub(next));
        self.overruns += u64::from(late);
        self.last = Some(next + self.period * late);
        self.last
    }

    /// The plan of a tick is finished: ticks that became due meanwhile are overruns.
    pub fn done(&mut self, now: Duration) {
        self.overruns += u64::from(self.skip(now));
    }

    /// A plan between the ticks is finished: it replaces those that became due meanwhile.
    pub fn served(&mut self, now: Duration) {
        self.skip(now);
    }

    fn skip(&mut self, now: Duration) -> u32 {
        let Some(next) = self.next().filter(|next| *next <= now) else { return 0 };
        let more = self.periods(now.saturating_sub(next));
        self.last = Some(next + self.period * more);
        more + 1
    }

    fn periods(&self, time: Duration) -> u32 {
        u32::try_from(time.as_nanos() / self.period.as_nanos().max(1)).unwrap_or(u32::MAX - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn ticks_keep_their_times_however_late_each_is_served() {
        let mut ticks = Ticks::new(20.0);
        assert_eq!(ticks.due(ms(1000)), None, "not started");
        ticks.start(ms(1000));
        ticks.start(ms(1030));
        assert_eq!(ticks.next(), Some(ms(1050)));
        assert_eq!(ticks.due(ms(1049)), None);
        assert_eq!(ticks.due(ms(1057)), Some(ms(1050)));
        ticks.done(ms(1090));
        assert_eq!(ticks.due(ms(1101)), Some(ms(1100)));
        assert_eq!(ticks.overruns(), 0);
    }

    #[test]
    fn a_period_that_is_changed_all_the_time_stops_no_tick() {
        let mut ticks = Ticks::new(20.0);
        ticks.start(ms(0));
        let mut count = 0;
        for now in 0..1000 {
            if now % 5 == 0 {
                ticks.set_frequency(if now % 10 == 0 { 20.0 } else { 19.0 }, ms(now));
            }
            count += u64::from(ticks.due(ms(now)).is_some());
        }
        assert!((18..=20).contains(&count), "{count}");
        ticks.set_frequency(0.1, ms(1000));
        ticks.set_frequency(1000.0, ms(5000));
        assert_eq!(ticks.due(ms(5000)), Some(ms(5000)), "a shorter period counts at once");
    }

    #[test]
    fn a_period_that_is_short_for_moments_puts_no_tick_off() {
        let mut ticks = Ticks::new(0.5);
        ticks.start(ms(0));
        let late = (0..4000).find(|now| {
            // Nobody looks while it is short.
            ticks.set_frequency(30.0, ms(*now));
            ticks.set_frequency(0.5, ms(*now));
            ticks.due(ms(*now)).is_some()
        });
        assert_eq!(late, Some(2000));
    }

    #[test]
    fn an_overrun_skips_whole_periods_and_is_counted() {
        let mut ticks = Ticks::new(20.0);
        ticks.start(ms(0));
        assert_eq!(ticks.due(ms(50)), Some(ms(50)));
        ticks.done(ms(160));
        assert_eq!((ticks.next(), ticks.overruns()), (Some(ms(200)), 2), "those at 100 and 150 ms");
        assert_eq!(ticks.due(ms(310)), Some(ms(300)), "woken up late: the newest counts");
        assert_eq!(ticks.overruns(), 4);
    }

    #[test]
    fn a_plan_between_ticks_stands_for_those_it_takes_the_time_of() {
        let mut ticks = Ticks::new(20.0);
        ticks.start(ms(0));
        ticks.served(ms(60));
        assert_eq!((ticks.next(), ticks.overruns()), (Some(ms(100)), 0));
        ticks.stop();
        assert_eq!(ticks.due(ms(500)), None);
    }
}
