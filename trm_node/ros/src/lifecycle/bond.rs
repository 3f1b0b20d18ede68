//! The ROS edge of the bond: the topic `bond`, on which the lifecycle manager hears that the node lives, and the thread
//! that says so. It waits for none of the others, but looks whether they come round: of a node that hangs the manager
//! hears nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use r2r::bond::msg::Status;
use r2r::{Incoming, Listening, Publisher, WrappedTypesupport as _};
use trm_flow::bond::{Bond, HEARTBEAT_TIMEOUT, News, Reaction, Say};
use trm_flow::heartbeats::{LATE, Part};
use trm_flow::log::Level;
use trm_flow::shared::Shared;
use trm_planner::halt::deadline::Clock;

use crate::io::convert;
use crate::io::ends::BondEnds;

/// The name of the thread.
pub const THREAD: &str = "bond";
/// It says so no more often than this, whatever the parameter says.
const SHORTEST_PERIOD: Duration = Duration::from_millis(10);
/// So many orders may wait. A sister's word for which there is no room is as good as lost on the way.
const ORDERS: usize = 1024;
/// The threads without which no path comes out.
const NEEDED: [Part; 4] = [Part::Spin, Part::World, Part::Planner, Part::Publisher];

/// To the thread.
enum Order {
    /// The node is active.
    Begin,
    /// It isn't any more.
    Die,
    /// Somebody else with this instance has said this on the bond.
    Heard(String, Say),
}

/// The node's bonds, one after the other.
pub struct Bonds {
    orders: SyncSender<Order>,
    is_over: Arc<AtomicBool>,
    _listening: Listening,
}

impl Bonds {
    /// Listens, and starts the thread, which has nothing to say yet.
    ///
    /// # Errors
    /// When ROS refuses an end of the topic, or the system the thread.
    pub fn new(node: &mut r2r::Node, ends: &BondEnds, period: f64, shared: &Arc<Shared>) -> anyhow::Result<Self> {
        let publisher = node.create_publisher::<Status>(ends.publisher.topic, ends.publisher.qos.clone())?;
        let (orders, inbox) = sync_channel(ORDERS);
        let is_over = Arc::new(AtomicBool::new(true));
        // As in Nav2, the name without the namespace.
        let id = node.name()?;
        let this_process = uuid::Uuid::new_v4().to_string();
        let listening = listen(node, ends, &id, &this_process, orders.clone())?;
        let end = BondThread {
            publisher,
            shared: Arc::clone(shared),
            is_over: Arc::clone(&is_over),
            id,
            this_process,
            period: Duration::from_secs_f64(period).max(SHORTEST_PERIOD),
            bond: None,
            count: 0,
            sister: None,
            past_sister: None,
        };
        thread::Builder::new().name(THREAD.to_owned()).spawn(move || end.run(&inbox))?;
        Ok(Self { orders, is_over, _listening: listening })
    }

    /// Begins a bond, to whom it may concern.
    pub fn begin(&self) {
        self.is_over.store(false, Ordering::Relaxed);
        // Fails only while the node is stopping.
        let _ = self.orders.send(Order::Begin);
    }

    /// Ends the bond, if there is one.
    pub fn die(&self) {
        let _ = self.orders.send(Order::Die);
    }

    /// Whether nothing is waited for.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// Passes on what others say on the bond of this name. What this process says is heard here, too.
fn listen(
    node: &mut r2r::Node,
    ends: &BondEnds,
    id: &str,
    this_process: &str,
    orders: SyncSender<Order>,
) -> r2r::Result<Listening> {
    let (id, this_process) = (id.to_owned(), this_process.to_owned());
    node.listen(ends.subscription.topic, ends.subscription.qos.clone(), move |incoming: Incoming<'_, Status>| {
        let Incoming::Message(message, _) = incoming else { return };
        let status = Status::from_native(message);
        if status.id == id && !status.instance_id.starts_with(&this_process) {
            let said = if status.active { Say::Alive } else { Say::Dead };
            let _ = orders.try_send(Order::Heard(status.instance_id, said));
        }
    })
}

/// What speaks and listens for the node.
struct BondThread {
    publisher: Publisher<Status>,
    shared: Arc<Shared>,
    is_over: Arc<AtomicBool>,
    id: String,
    /// The first part of the instance of each bond.
    this_process: String,
    period: Duration,
    bond: Option<Bond>,
    /// How many bonds have begun.
    count: u64,
    /// The sister's instance.
    sister: Option<String>,
    /// That of the bond before. What it says late is none of this bond's business: a manager that resets and starts up its
    /// nodes says farewell and hello within milliseconds.
    past_sister: Option<String>,
}

impl BondThread {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let now = self.shared.clock.now();
            let order = match self.bond.as_ref().and_then(Bond::next) {
                Some(next) => orders.recv_timeout(next.saturating_sub(now)),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.tick();
            self.is_over.store(self.bond.as_ref().is_none_or(Bond::is_over), Ordering::Relaxed);
        }
    }

    fn take(&mut self, order: Order) {
        let now = self.shared.clock.now();
        match order {
            Order::Begin => {
                self.bond = Some(Bond::new(self.period, now));
                self.count += 1;
                self.past_sister = self.sister.take().or(self.past_sister.take());
            }
            Order::Die => {
                let say = self.bond.as_mut().and_then(|bond| bond.die(now));
                self.react(Reaction { say, news: None });
            }
            Order::Heard(instance, _) if self.past_sister.as_ref() == Some(&instance) => {}
            Order::Heard(instance, said) => {
                let Some(bond) = &mut self.bond else { return };
                self.sister.get_or_insert(instance);
                let reaction = bond.hear(said, now);
                self.react(reaction);
            }
        }
    }

    fn tick(&mut self) {
        let now = self.shared.clock.now();
        let Some(bond) = &mut self.bond else { return };
        let mut reaction = bond.tick(now);
        // A node that hangs doesn't say that it lives. What hangs is in the log and in `/diagnostics`.
        let hangs = NEEDED.iter().any(|part| self.shared.beats.silence(*part, now) > LATE);
        reaction.say = reaction.say.filter(|say| *say == Say::Dead || !hangs);
        self.react(reaction);
    }

    fn react(&self, reaction: Reaction) {
        if let Some(say) = reaction.say {
            self.publish(say);
        }
        if let Some(news) = reaction.news {
            self.tell(news);
        }
    }

    fn publish(&self, say: Say) {
        let mut status = Status {
            id: self.id.clone(),
            instance_id: format!("{}-{}", self.this_process, self.count),
            active: say == Say::Alive,
            heartbeat_timeout: HEARTBEAT_TIMEOUT.as_secs_f32(),
            heartbeat_period: self.period.as_secs_f32(),
            ..Default::default()
        };
        status.header.stamp = convert::time(self.shared.ros_time.now());
        if let Err(error) = self.publisher.publish(&status) {
            self.shared.log.limited("bond", Level::Warn, &format!("bond: {error}"), self.shared.clock.now());
        }
    }

    fn tell(&self, news: News) {
        let (kind, level, text) = match news {
            News::Formed => ("bond formed", Level::Info, "bond: connected with the lifecycle manager"),
            News::SisterDied => {
                ("bond ended", Level::Warn, "bond: the lifecycle manager has ended it; the node goes on as it is")
            }
            News::SisterSilent => (
                "bond silent",
                Level::Warn,
                "bond: the lifecycle manager hasn't been heard for 4 s; the node goes on as it is",
            ),
            News::SisterBack => ("bond back", Level::Info, "bond: the lifecycle manager is heard again"),
        };
        self.shared.log.limited(kind, level, text, self.shared.clock.now());
    }
}
