//! Not in upstream r2r: subscriptions that hand over everything in the spinning thread. See the README beside Cargo.toml.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use crate::{error::*, msg_types::*, subscribers::Subscriber_};
use r2r_rcl::*;

/// So many messages are taken of one subscription before others get their turn.
const MESSAGES_A_TURN: usize = 256;

/// What a listener is called with.
pub enum Incoming<'a, T: WrappedTypesupport> {
    /// A message, and what the middleware knows of it.
    Message(&'a WrappedNativeMsg<T>, MessageInfo),
    /// The middleware says that it lost so many messages.
    Lost(u64),
    /// A message is there but can't be taken.
    Failed(Error),
}

/// What the middleware knows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageInfo {
    /// Nanoseconds of the publisher's system time when it was published; 0 when the middleware doesn't tell.
    pub source_timestamp: i64,
    /// Nanoseconds of this host's system time when the middleware had it; 0 when it doesn't tell.
    pub received_timestamp: i64,
    /// Counts the publisher's messages from 1; `None` when the middleware doesn't.
    pub sequence_number: Option<u64>,
    /// Identifies the publisher.
    pub publisher: [u8; 16],
}

impl From<&rmw_message_info_t> for MessageInfo {
    fn from(info: &rmw_message_info_t) -> Self {
        // RMW_MESSAGE_INFO_SEQUENCE_NUMBER_UNSUPPORTED is the largest number.
        let number = info.publication_sequence_number;
        Self {
            source_timestamp: info.source_timestamp,
            received_timestamp: info.received_timestamp,
            sequence_number: (number != u64::MAX && number != 0).then_some(number),
            publisher: info.publisher_gid.data,
        }
    }
}

/// Ends its subscription with the next spin after it is dropped.
pub struct Listening(Arc<AtomicBool>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

pub(crate) struct Listener<T: WrappedTypesupport> {
    rcl_handle: Box<rcl_subscription_t>,
    callback: Box<dyn FnMut(Incoming<'_, T>) + Send>,
    is_over: Arc<AtomicBool>,
    /// The event for lost messages, where the middleware has it.
    events: Vec<rcl_event_t>,
}

impl<T: WrappedTypesupport + 'static> Listener<T> {
    pub fn new(
        rcl_handle: rcl_subscription_t, callback: Box<dyn FnMut(Incoming<'_, T>) + Send>,
    ) -> (Self, Listening) {
        // rcl's events keep the address of the subscription.
        let rcl_handle = Box::new(rcl_handle);
        let is_over = Arc::new(AtomicBool::new(false));
        let mut events = Vec::new();
        let mut event = unsafe { rcl_get_zero_initialized_event() };
        let kind = rcl_subscription_event_type_t::RCL_SUBSCRIPTION_MESSAGE_LOST;
        let ret = unsafe { rcl_subscription_event_init(&mut event, rcl_handle.as_ref(), kind) };
        if ret == RCL_RET_OK as i32 {
            events.push(event);
        } else {
            unsafe { rcutils_reset_error() };
        }
        let listening = Listening(Arc::clone(&is_over));
        (Self { rcl_handle, callback, is_over, events }, listening)
    }

    fn take_event(&mut self, index: usize) {
        let mut status = rmw_message_lost_status_t { total_count: 0, total_count_change: 0 };
        let pointer = &mut status as *mut _ as *mut c_void;
        let ret = unsafe { rcl_take_event(&self.events[index], pointer) };
        if ret == RCL_RET_OK as i32 && status.total_count_change > 0 {
            (self.callback)(Incoming::Lost(status.total_count_change as u64));
        }
    }
}

// The handles are used by the thread alone that spins the node.
unsafe impl<T: WrappedTypesupport> Send for Listener<T> {}

impl<T: WrappedTypesupport + 'static> Subscriber_ for Listener<T> {
    fn handle(&self) -> &rcl_subscription_t {
        &self.rcl_handle
    }

    fn handle_incoming(&mut self) -> bool {
        for _ in 0..MESSAGES_A_TURN {
            if self.is_over() {
                break;
            }
            let mut info = rmw_message_info_t::default();
            let mut message = WrappedNativeMsg::<T>::new();
            let ret = unsafe {
                rcl_take(
                    self.rcl_handle.as_ref(),
                    message.void_ptr_mut(),
                    &mut info,
                    std::ptr::null_mut(),
                )
            };
            if ret == RCL_RET_OK as i32 {
                (self.callback)(Incoming::Message(&message, MessageInfo::from(&info)));
            } else if ret == RCL_RET_SUBSCRIPTION_TAKE_FAILED as i32 {
                break;
            } else {
                (self.callback)(Incoming::Failed(Error::from_rcl_error(ret)));
                break;
            }
        }
        false
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn events(&self) -> usize {
        self.events.len()
    }

    fn event(&self, index: usize) -> *const rcl_event_t {
        &self.events[index]
    }

    fn handle_event(&mut self, index: usize) {
        self.take_event(index);
    }

    fn destroy(&mut self, node: &mut rcl_node_t) {
        unsafe {
            for event in &mut self.events {
                rcl_event_fini(event);
            }
            self.events.clear();
            rcl_subscription_fini(self.rcl_handle.as_mut(), node);
        }
    }
}
