//! The released Tiny Recursive Model (TRM, arXiv 2510.04871) on a GPU: the three graphs of `trm_kernel` as compute
//! shaders, through Vulkan. The states stay on the device: what goes there is a window's input, what comes back its
//! logits.
//!
//! Imports `trm_kernel` for the weights and the sizes of the architecture. It must never learn of files, ONNX, grids or
//! deadlines; `trm_net` makes a backend of it.
//!
//! # How it is built
//!
//! A call of the API for every dispatch is what costs time on a GPU with a model this small, not its arithmetic. So each
//! layer is one dispatch ([the shaders](../src/recursion.wgsl) fuse the convolutions, the gate, the residual and the
//! norm), everything is recorded once ([`GpuRecursion::new`]), and a cycle of the recursion with its decoding is one
//! submission of these records ([`GpuRecursion::run`]). It ends by a fence that is waited for with a timeout: a device
//! that doesn't answer costs no more than that. Nothing is allocated after the start, by this crate.
//!
//! Vulkan is what Jetson Orin, laptops, desktops and, in software, any CPU (Mesa's lavapipe) have. It is loaded when a
//! [`Gpu`] is opened; a machine without it gets an error that says so. The shaders use plain single precision and no
//! subgroup operations, which every device has.
#![expect(unsafe_code, reason = "Vulkan's functions, and memory that the device shares")]

mod device;
mod error;
mod layout;
mod objects;
mod pack;
mod pipelines;
mod records;
mod recursion;

pub use device::{Gpu, Kind};
pub use error::GpuError;
pub use layout::{State, Update};
pub use recursion::{GpuRecursion, MAX_UPDATES};
