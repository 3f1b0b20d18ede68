//! Not in upstream r2r: what ends a spin from another thread. See the README beside Cargo.toml.

use std::sync::Arc;

use crate::{context::Context, error::*};
use r2r_rcl::*;

/// Ends the spin of the node that it is of, or the next one if the node isn't spinning.
#[derive(Clone)]
pub struct Waker(Arc<Condition>);

struct Condition {
    handle: *mut rcl_guard_condition_t,
    context: Context,
}

// rcl_trigger_guard_condition is thread safe, and no other function takes the handle mutably before the drop.
unsafe impl Send for Condition {}
unsafe impl Sync for Condition {}

impl Waker {
    pub(crate) fn new(context: &Context) -> Result<Self> {
        let mut condition = Box::new(unsafe { rcl_get_zero_initialized_guard_condition() });
        let mut ctx = context.context_handle.lock().unwrap();
        let ret = unsafe {
            let options = rcl_guard_condition_get_default_options();
            rcl_guard_condition_init(condition.as_mut(), ctx.as_mut(), options)
        };
        drop(ctx);
        if ret != RCL_RET_OK as i32 {
            return Err(Error::from_rcl_error(ret));
        }
        Ok(Self(Arc::new(Condition { handle: Box::into_raw(condition), context: context.clone() })))
    }

    pub(crate) fn handle(&self) -> *const rcl_guard_condition_t {
        self.0.handle
    }

    /// Ends the spin.
    pub fn wake(&self) {
        unsafe {
            rcl_trigger_guard_condition(self.0.handle);
        }
    }
}

impl Drop for Condition {
    fn drop(&mut self) {
        // fini functions are not thread safe so lock the context.
        let _ctx = self.context.context_handle.lock().unwrap();
        unsafe {
            rcl_guard_condition_fini(self.handle);
            drop(Box::from_raw(self.handle));
        }
    }
}
