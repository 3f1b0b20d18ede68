//! Grids and their updates, on their way to the world thread.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use r2r::map_msgs::msg::OccupancyGridUpdate;
use r2r::nav_msgs::msg::OccupancyGrid;
use r2r::{Incoming, Listening, MessageInfo, QosProfile, WrappedTypesupport as _};
use trm_flow::lock::lock;
use trm_flow::map::inbox::Inbox;
use trm_flow::map::intake::{Intake, Origin};
use trm_flow::map::message::{GridUpdate, Published, WholeGrid};
use trm_flow::shared::{GRID, Shared};
use trm_planner::halt::deadline::Clock;

use crate::io::convert;
use crate::io::ends::{End, Ends};

/// A suspect grid is asked for again at most this often.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// So many updates wait for the scout. Only their numbers count, the newest of each publisher.
const SCOUTED: usize = 16;

/// Takes grids and updates in.
pub struct Grids {
    callbacks: Callbacks,
    end: End,
    whole: Option<Listening>,
    /// The scout and the updates themselves.
    _updates: [Listening; 2],
    asked: Option<Duration>,
}

/// What the callbacks share. They all run in the spinning thread.
#[derive(Clone)]
struct Callbacks {
    shared: Arc<Shared>,
    intake: Arc<Mutex<Intake>>,
    map_frame: Arc<str>,
}

impl Grids {
    /// Subscribes to the grid and its updates.
    ///
    /// # Errors
    /// When ROS refuses a subscription.
    pub fn subscribe(
        node: &mut r2r::Node,
        ends: &Ends,
        map_frame: &str,
        shared: &Arc<Shared>,
        inbox: &Arc<Inbox>,
    ) -> r2r::Result<Self> {
        shared.health().grid.miss(format!("no grid has come on topic {}", ends.grid.topic));
        let intake = Intake::new(Arc::clone(shared), Arc::clone(inbox));
        let callbacks =
            Callbacks { shared: Arc::clone(shared), intake: Arc::new(Mutex::new(intake)), map_frame: map_frame.into() };
        let whole = Some(listen_to_whole(node, &ends.grid, &callbacks)?);
        let to_updates = callbacks.clone();
        let End { topic, qos, .. } = &ends.updates;
        // First, so that what it has seen the other one has had the time to take.
        let to_scout = callbacks.clone();
        let scout = node.listen(topic, scout(qos), move |incoming| to_scout.sight_update(&incoming))?;
        let updates = node.listen(topic, qos.clone(), move |incoming| to_updates.take_update(incoming))?;
        Ok(Self { callbacks, end: ends.grid.clone(), whole, _updates: [scout, updates], asked: None })
    }

    /// How long the next [look](Self::settle) may be put off.
    pub fn patience(&self) -> Option<Duration> {
        lock(&self.callbacks.intake).patience()
    }

    /// Looks after a suspect grid. The process stood still before it if `stopped`.
    pub fn settle(&mut self, node: &mut r2r::Node, stopped: bool) {
        if !lock(&self.callbacks.intake).settle(stopped, system_time()) {
            self.asked = None;
            return;
        }
        let now = self.callbacks.shared.clock.now();
        if self.asked.is_none_or(|asked| now >= asked + ASK_AGAIN) {
            self.asked = Some(now);
            // A new subscription gets the last whole grid of publishers that keep it.
            self.whole = None;
            self.whole = listen_to_whole(node, &self.end, &self.callbacks).ok();
        }
    }
}

/// The newest updates at once, whatever is missing before them.
fn scout(updates: &QosProfile) -> QosProfile {
    updates.clone().keep_last(SCOUTED).best_effort().volatile()
}

fn listen_to_whole(node: &mut r2r::Node, end: &End, callbacks: &Callbacks) -> r2r::Result<Listening> {
    let callbacks = callbacks.clone();
    node.listen(end.topic, end.qos.clone(), move |incoming| callbacks.take_whole(incoming))
}

impl Callbacks {
    fn take_whole(&self, incoming: Incoming<'_, OccupancyGrid>) {
        match incoming {
            Incoming::Message(native, info) => {
                let message = OccupancyGrid::from_native(native);
                match convert::geometry(&message, &self.map_frame) {
                    Ok(geometry) => {
                        let stamp = convert::duration(&message.header.stamp);
                        let content = WholeGrid { geometry, data: message.data };
                        lock(&self.intake).whole(content, stamp, origin(info));
                    }
                    Err(error) => self.shared.refuse(GRID, &error.to_string()),
                }
            }
            // A newer one has come in its place, or will.
            Incoming::Lost(_) => {}
            Incoming::Failed(error) => lock(&self.intake).failed(&error.to_string(), system_time()),
        }
    }

    fn sight_update(&self, incoming: &Incoming<'_, OccupancyGridUpdate>) {
        // What it loses itself, or can't take, it just doesn't see.
        if let Incoming::Message(_, info) = incoming {
            lock(&self.intake).sight(origin(*info));
        }
    }

    fn take_update(&self, incoming: Incoming<'_, OccupancyGridUpdate>) {
        match incoming {
            Incoming::Message(native, info) => {
                let message = OccupancyGridUpdate::from_native(native);
                let stamp = convert::duration(&message.header.stamp);
                let content = convert::update_rect(&message, &self.map_frame)
                    .map(|rect| GridUpdate { rect, data: message.data })
                    .map_err(|error| self.shared.refuse(GRID, &error.to_string()));
                lock(&self.intake).update(content.ok(), stamp, origin(info));
            }
            Incoming::Lost(count) => lock(&self.intake).lost(count, system_time()),
            Incoming::Failed(error) => lock(&self.intake).failed(&error.to_string(), system_time()),
        }
    }
}

fn origin(info: MessageInfo) -> Origin {
    // Fast DDS's identifiers begin with the vendor (2 bytes) and the host (2 bytes): see `GuidPrefix_t`.
    let [a, b, c, d, ..] = info.publisher;
    let at = u64::try_from(info.source_timestamp).ok().filter(|time| *time > 0).map(Duration::from_nanos);
    Origin {
        publisher: info.publisher,
        number: info.sequence_number,
        published: at.map(|at| Published { host: u32::from_be_bytes([a, b, c, d]), era: 0, at }),
        received: u64::try_from(info.received_timestamp).ok().filter(|time| *time > 0).map(Duration::from_nanos),
        taken: system_time(),
    }
}

/// Time since the epoch, by the system's clock, with which the middleware stamps.
fn system_time() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}
