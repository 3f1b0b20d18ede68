//! What can be wrong with a GPU.

use std::time::Duration;

use ash::vk;

/// A GPU that can't be used, or that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// This machine has no Vulkan.
    #[error("there is no Vulkan on this machine: {0}")]
    NoVulkan(String),
    /// There is no device that can compute.
    #[error("Vulkan knows no device that computes{}", named(.0))]
    NoDevice(Vec<String>),
    /// The best device is the processor itself.
    #[error("{0} is the processor itself")]
    Software(String),
    /// The model doesn't fit the shaders or the device.
    #[error("{what} is {value}, the GPU needs {needed}")]
    Unfit {
        /// What doesn't fit.
        what: &'static str,
        /// How it is.
        value: u64,
        /// What it should be.
        needed: String,
    },
    /// A call of Vulkan failed.
    #[error("{call}: {code:?}")]
    Vulkan {
        /// The function.
        call: &'static str,
        /// What it returned.
        code: vk::Result,
    },
    /// The device has stopped working, and everything on it is lost.
    #[error("the device is lost")]
    Lost,
    /// The work wasn't done in the time that it was given. It may go on.
    #[error("not done within {0:?}")]
    Late(Duration),
    /// Work that was late is still going on.
    #[error("still busy with work that was late")]
    Busy,
}

fn named(devices: &[String]) -> String {
    if devices.is_empty() { String::new() } else { format!(" (it knows {})", devices.join(", ")) }
}

impl GpuError {
    /// For `map_err`: the error of a call.
    pub(crate) const fn of(call: &'static str) -> impl Fn(vk::Result) -> Self {
        move |code| match code {
            vk::Result::ERROR_DEVICE_LOST => Self::Lost,
            code => Self::Vulkan { call, code },
        }
    }
}
