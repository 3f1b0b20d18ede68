//! What queues and wake-ups are built from. Under `--cfg loom` the model checker takes its place, and runs the same
//! code in every order that threads can take.

#[cfg(not(loom))]
pub use std::sync::{Arc, Mutex};
#[cfg(not(loom))]
pub use std::thread::sleep;

#[cfg(not(loom))]
pub use rtrb::{Consumer, Producer, RingBuffer};

#[cfg(not(loom))]
pub use crate::futex::Futex;
#[cfg(loom)]
pub use crate::loom_model::{Arc, Consumer, Futex, Mutex, Producer, RingBuffer, sleep};
