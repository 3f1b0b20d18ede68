//! What a record of plans consists of.

use std::fmt;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use trm_config::{Config, ParameterError};
use trm_grid::bytes::{Bytes, BytesError, Put};
use trm_grid::costmap::GridChange;
use trm_grid::geometry::Geometry;
use trm_grid::guidance::Guidance;
use trm_grid::guidance::record::RecordedGuidance;
use trm_grid::units::Pose;

use crate::error::PlanError;
use crate::record::noted::Noted;
use crate::record::parameters;
use crate::record::readings::Readings;
use crate::report::Report;

const PLANNER: u8 = 0;
const COSTS: u8 = 1;
const GUIDANCE: u8 = 2;
const EVENT: u8 = 3;
const PLAN: u8 = 4;

/// A planner, made with these parameters and these readings of the clock.
#[derive(Debug, Clone)]
pub struct PlannerMade {
    /// Its [number](crate::Planner::number).
    pub number: u64,
    /// The name of its bundle.
    pub bundle: String,
    /// The hash of the bundle's manifest, which has those of all its files.
    pub hash: String,
    /// What the model runs on.
    pub backend: String,
    /// Its parameters.
    pub config: Config,
    /// The readings while it was made and warmed up.
    pub readings: Readings,
}

/// What happens to the planner between two plans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// The one of this number plans from now on.
    Use(u64),
    /// It forgets states and paths.
    Reset,
    /// The robot's size changes with the costs.
    Robot {
        /// The radius in metres.
        radius: f64,
        /// It has a footprint instead.
        has_footprint: bool,
    },
}

/// A plan as it was made.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanMade {
    /// Its number, counted from 1.
    pub number: u64,
    /// ROS time before it.
    pub time: Duration,
    /// The robot's pose.
    pub start: Pose,
    /// The goal.
    pub goal: Pose,
    /// When the request arrived.
    pub arrived: Duration,
    /// When its path had to be there.
    pub deadline: Duration,
    /// The version of the costs.
    pub costs: u64,
    /// The number of its guidance, if there was any.
    pub guidance: Option<u64>,
    /// The readings of the clock.
    pub readings: Readings,
    /// What came out.
    pub result: Summary,
}

/// What came out of a plan: equal where all bits of the path are equal, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How many poses the path has.
    pub poses: usize,
    /// SHA-256 of the bits of x, y and yaw of each.
    pub digest: [u8; 32],
    /// Where it comes from and how the recursion stopped, or why there is none.
    pub text: String,
}

impl Summary {
    /// Of a plan.
    #[must_use]
    pub fn of(path: &[Pose], result: Result<(), PlanError>, report: &Report) -> Self {
        let mut digest = Sha256::new();
        for number in path.iter().flat_map(|pose| [pose.x, pose.y, pose.yaw]) {
            digest.update(number.to_bits().to_le_bytes());
        }
        let Report { source, stop, steps, applications, expansions, .. } = report;
        let stop = stop.map_or("not asked", |stop| stop.name());
        let counts = format!("{steps} steps, {applications} applications, {expansions} expansions");
        let text = match result {
            Ok(()) => format!("{}, model: {stop}, {counts}", source.name()),
            Err(error) => format!("{error}, model: {stop}, {counts}"),
        };
        Self { poses: path.len(), digest: digest.finalize().into(), text }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.digest;
        write!(f, "{} poses ({a:02x}{b:02x}{c:02x}{d:02x}), {}", self.poses, self.text)
    }
}

/// An entry.
#[derive(Debug)]
pub enum Entry {
    /// A planner was made. The inner error names a parameter that this version doesn't have so.
    Planner(Box<Result<PlannerMade, ParameterError>>),
    /// The costs have changed.
    Costs(GridChange),
    /// Guidance of this number was computed.
    Guidance(u64, Vec<RecordedGuidance>),
    /// Something happened to the planner, at this version of the costs.
    Event(Event, u64),
    /// A plan was made.
    Plan(Box<PlanMade>),
}

/// Writes that a planner was made.
pub fn write_planner(made: &PlannerMade, to: &mut impl Put) {
    to.put_u8(PLANNER);
    to.put_count(made.number);
    for text in [&made.bundle, &made.hash, &made.backend] {
        to.put_text(text);
    }
    parameters::write(&made.config, to);
    write_readings(&made.readings, to);
}

/// Writes a change of the costs.
pub fn write_costs(change: &GridChange, to: &mut impl Put) {
    to.put_u8(COSTS);
    change.write(to);
}

/// Writes guidance of a number. `base` is whole guidance before it, with its number.
pub fn write_guidance(number: u64, groups: &[Guidance], base: Option<(u64, &Guidance)>, to: &mut impl Put) {
    to.put_u8(GUIDANCE);
    to.put_count(number);
    to.put_count(groups.len() as u64);
    for group in groups {
        group.write(base, to);
    }
}

/// Writes what happened to the planner, at this version of the costs; 0 before the first ones.
pub fn write_event(event: Event, costs: u64, to: &mut impl Put) {
    to.put_u8(EVENT);
    to.put_count(costs);
    match event {
        Event::Use(number) => {
            to.put_u8(0);
            to.put_count(number);
        }
        Event::Reset => to.put_u8(1),
        Event::Robot { radius, has_footprint } => {
            to.put_u8(2);
            to.put_f64(radius);
            to.put_u8(has_footprint.into());
        }
    }
}

/// Writes a plan.
pub fn write_plan(plan: &Noted, to: &mut impl Put) {
    to.put_u8(PLAN);
    to.put_count(plan.number);
    to.put_count(nanoseconds(plan.time));
    to.put_pose(plan.start);
    to.put_pose(plan.goal);
    to.put_count(nanoseconds(plan.arrived));
    to.put_count(nanoseconds(plan.deadline));
    to.put_count(plan.costs);
    to.put_count(plan.guidance.unwrap_or(0));
    write_readings(&plan.readings, to);
    let Summary { poses, digest, text } = Summary::of(plan.path(), plan.result, &plan.report);
    to.put_count(poses as u64);
    to.put_bytes(&digest);
    to.put_text(&text);
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Each as its difference to the one before.
fn write_readings(readings: &Readings, to: &mut impl Put) {
    to.put_count(readings.cancelled_at.map_or(0, |at| at as u64 + 1));
    to.put_count(readings.times.len() as u64);
    let mut before = 0;
    for time in &readings.times {
        to.put_signed(time.wrapping_sub(before) as i64);
        before = *time;
    }
}

fn read_readings(from: &mut Bytes) -> Result<Readings, BytesError> {
    let cancelled_at = from.small::<usize>("reading of the cancellation")?.checked_sub(1);
    let count = from.length("readings of the clock")?;
    let mut before = 0_u64;
    let mut next = || {
        before = before.wrapping_add(from.signed("reading of the clock")? as u64);
        Ok(before)
    };
    let times = (0..count).map(|_| next()).collect::<Result<_, _>>()?;
    Ok(Readings { times, cancelled_at, is_full: false })
}

impl Entry {
    /// Reads an entry. `costs` has the geometry of the costs before it, if there are any.
    ///
    /// # Errors
    /// [`BytesError`] when it is cut off, or a value can't be.
    pub fn read(from: &mut Bytes, costs: Option<&Geometry>) -> Result<Self, BytesError> {
        let entry = match from.u8("kind of entry")? {
            PLANNER => Self::Planner(Box::new(read_planner(from)?)),
            COSTS => Self::Costs(GridChange::read(from, costs)?),
            GUIDANCE => {
                let (number, count) = (from.count("number of guidance")?, from.length("groups of guidance")?);
                Self::Guidance(number, (0..count).map(|_| RecordedGuidance::read(from)).collect::<Result<_, _>>()?)
            }
            EVENT => {
                let costs = from.count("version of the costs")?;
                Self::Event(read_event(from)?, costs)
            }
            PLAN => Self::Plan(Box::new(read_plan(from)?)),
            other => return Err(BytesError::value("kind of entry", &other, "0 to 4")),
        };
        match from.left() {
            0 => Ok(entry),
            left => Err(BytesError::value("end of the entry", &format!("{left} bytes early"), "its last byte")),
        }
    }
}

fn read_planner(from: &mut Bytes) -> Result<Result<PlannerMade, ParameterError>, BytesError> {
    let number = from.count("number of the planner")?;
    let mut text = |field| from.text(field).map(str::to_owned);
    let (bundle, hash, backend) = (text("bundle")?, text("hash of the bundle")?, text("backend")?);
    let config = match parameters::read(from)? {
        Ok(config) => config,
        Err(error) => {
            // What comes after it can't be told.
            from.bytes("rest of the planner", from.left())?;
            return Ok(Err(error));
        }
    };
    Ok(Ok(PlannerMade { number, bundle, hash, backend, config, readings: read_readings(from)? }))
}

fn read_event(from: &mut Bytes) -> Result<Event, BytesError> {
    Ok(match from.u8("kind of event")? {
        0 => Event::Use(from.count("number of the planner")?),
        1 => Event::Reset,
        2 => Event::Robot { radius: from.f64("robot_radius")?, has_footprint: from.flag("footprint")? },
        other => return Err(BytesError::value("kind of event", &other, "0 to 2")),
    })
}

fn read_plan(from: &mut Bytes) -> Result<PlanMade, BytesError> {
    let number = from.count("number of the plan")?;
    let time = |from: &mut Bytes, field| from.count(field).map(Duration::from_nanos);
    Ok(PlanMade {
        number,
        time: time(from, "time of the plan")?,
        start: from.pose("start")?,
        goal: from.pose("goal")?,
        arrived: time(from, "arrival of the request")?,
        deadline: time(from, "deadline")?,
        costs: from.count("version of the costs")?,
        guidance: Some(from.count("number of guidance")?).filter(|number| *number > 0),
        readings: read_readings(from)?,
        result: read_summary(from)?,
    })
}

fn read_summary(from: &mut Bytes) -> Result<Summary, BytesError> {
    let (poses, mut digest) = (from.small("poses of the path")?, [0; 32]);
    digest.copy_from_slice(from.bytes("digest of the path", 32)?);
    Ok(Summary { poses, digest, text: from.text("result")?.to_owned() })
}
