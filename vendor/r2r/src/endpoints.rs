//! Not in upstream r2r: names of topics as ROS resolves them, and whether the ends of a topic can hear each other.

use std::ffi::{CStr, CString};
use std::os::raw::c_char;

use crate::{error::*, nodes::*, qos::QosProfile};
use r2r_rcl::*;

impl Node {
    /// The full name of a topic: expanded with the node's names, and remapped.
    pub fn resolve_topic(&self, name: &str) -> Result<String> {
        let name = CString::new(name).map_err(|_| Error::RCL_RET_INVALID_ARGUMENT)?;
        let mut resolved: *mut c_char = std::ptr::null_mut();
        let ret = unsafe {
            rcl_node_resolve_name(
                self.node_handle.as_ref(),
                name.as_ptr(),
                rcutils_get_default_allocator(),
                false,
                false,
                &mut resolved,
            )
        };
        if ret != RCL_RET_OK as i32 {
            return Err(Error::from_rcl_error(ret));
        }
        let allocator = unsafe { rcutils_get_default_allocator() };
        let text = unsafe { CStr::from_ptr(resolved) }.to_string_lossy().into_owned();
        if let Some(deallocate) = allocator.deallocate {
            unsafe { deallocate(resolved as *mut _, allocator.state) };
        }
        Ok(text)
    }

    /// What is known of the subscriptions of a topic, which is given by its full name. See
    /// [`Node::get_publishers_info_by_topic`].
    pub fn get_subscriptions_info_by_topic(&self, topic_name: &str) -> Result<Vec<TopicEndpointInfo>> {
        let topic = CString::new(topic_name).map_err(|_| Error::RCL_RET_INVALID_ARGUMENT)?;
        let mut allocator = unsafe { rcutils_get_default_allocator() };
        let mut infos = unsafe { rmw_get_zero_initialized_topic_endpoint_info_array() };
        let ret = unsafe {
            rcl_get_subscriptions_info_by_topic(
                self.node_handle.as_ref(),
                &mut allocator,
                topic.as_ptr(),
                false,
                &mut infos,
            )
        };
        let found = if ret == RCL_RET_OK as i32 {
            Ok(convert_info_array_to_vec(&infos))
        } else {
            Err(Error::from_rcl_error(ret))
        };
        unsafe { rmw_topic_endpoint_info_array_fini(&mut infos, &mut allocator) };
        found
    }
}

/// Whether a subscription of this profile gets what a publisher of that profile sends, as the middleware decides it. What
/// isn't known is taken to fit.
pub fn is_compatible(publisher: &QosProfile, subscription: &QosProfile) -> bool {
    let mut verdict = rmw_qos_compatibility_type_t::RMW_QOS_COMPATIBILITY_OK;
    let ret = unsafe {
        rmw_qos_profile_check_compatible(
            publisher.clone().into(),
            subscription.clone().into(),
            &mut verdict,
            std::ptr::null_mut(),
            0,
        )
    };
    ret != RCL_RET_OK as i32 || verdict != rmw_qos_compatibility_type_t::RMW_QOS_COMPATIBILITY_ERROR
}
