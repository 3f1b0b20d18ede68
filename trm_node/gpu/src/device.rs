//! A GPU, opened.

use std::ffi::CStr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use ash::{Device, Entry, Instance, vk};

use crate::error::GpuError;

/// What a device is, the best for the planner first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A card with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory, as on a Jetson.
    Integrated,
    /// A GPU that a virtual machine is lent.
    Virtual,
    /// Something else.
    Other,
    /// The processor itself: it computes correctly, and slowly.
    Software,
}

impl Kind {
    const fn of(kind: vk::PhysicalDeviceType) -> Self {
        match kind {
            vk::PhysicalDeviceType::DISCRETE_GPU => Self::Discrete,
            vk::PhysicalDeviceType::INTEGRATED_GPU => Self::Integrated,
            vk::PhysicalDeviceType::VIRTUAL_GPU => Self::Virtual,
            vk::PhysicalDeviceType::CPU => Self::Software,
            _ => Self::Other,
        }
    }
}

/// Why this machine has no GPU, once that is known.
static NO_HARDWARE: OnceLock<GpuError> = OnceLock::new();

/// The Vulkan library. It is never unloaded: drivers leave threads behind.
static LIBRARY: OnceLock<Entry> = OnceLock::new();

/// Devices are opened and closed by one thread at a time. Vulkan allows more, but on an H200 (driver 580.159) tests that did so
/// in six threads stood still once, in one run of several; why is not known.
static DOOR: Mutex<()> = Mutex::new(());

fn through_the_door() -> MutexGuard<'static, ()> {
    DOOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A logical device with one queue.
pub struct Gpu {
    instance: Instance,
    pub(crate) device: Device,
    pub(crate) queue: vk::Queue,
    pub(crate) family: u32,
    pub(crate) memory: vk::PhysicalDeviceMemoryProperties,
    pub(crate) limits: vk::PhysicalDeviceLimits,
    name: String,
    kind: Kind,
}

/// A device that could be opened.
struct Candidate {
    device: vk::PhysicalDevice,
    family: u32,
    name: String,
    kind: Kind,
}

impl Gpu {
    /// Opens the best device of this machine that is more than the processor itself. When there was none once, it isn't
    /// looked for again: that takes time, and drivers take memory.
    ///
    /// # Errors
    /// As [`Self::open`]; [`GpuError::Software`] when there is no other device.
    pub fn open_hardware() -> Result<Self, GpuError> {
        if let Some(error) = NO_HARDWARE.get() {
            return Err(error.clone());
        }
        let opened = Self::open_best(|kind| kind != Kind::Software);
        if let Err(error @ (GpuError::NoVulkan(_) | GpuError::NoDevice(_) | GpuError::Software(_))) = &opened {
            let _ = NO_HARDWARE.set(error.clone());
        }
        opened
    }

    /// Opens the best device of this machine: a discrete one before an integrated one, and software last.
    ///
    /// # Errors
    /// [`GpuError`] when there is no Vulkan, no device that computes, or when it can't be opened.
    pub fn open() -> Result<Self, GpuError> {
        Self::open_best(|_| true)
    }

    fn open_best(accepts: fn(Kind) -> bool) -> Result<Self, GpuError> {
        let _alone = through_the_door();
        let entry = library()?;
        let about = vk::ApplicationInfo::default().application_name(c"trm_node").api_version(vk::API_VERSION_1_1);
        let info = vk::InstanceCreateInfo::default().application_info(&about);
        // Safety: nothing that `info` points to is gone.
        let instance = unsafe { entry.create_instance(&info, None) }.map_err(|code| match code {
            // As the loader says when no driver is installed.
            vk::Result::ERROR_INCOMPATIBLE_DRIVER => GpuError::NoVulkan("no driver is installed".to_owned()),
            code => GpuError::of("vkCreateInstance")(code),
        })?;
        let best = best(&instance)
            .and_then(|best| if accepts(best.kind) { Ok(best) } else { Err(GpuError::Software(best.name)) });
        let opened = best.and_then(|candidate| Ok((open(&instance, &candidate)?, candidate)));
        match opened {
            Ok((device, candidate)) => {
                let Candidate { device: physical, family, name, kind } = candidate;
                // Safety: the device has a queue of this family, and the physical device is the instance's.
                let (queue, memory, limits) = unsafe {
                    let memory = instance.get_physical_device_memory_properties(physical);
                    let limits = instance.get_physical_device_properties(physical).limits;
                    (device.get_device_queue(family, 0), memory, limits)
                };
                Ok(Self { instance, device, queue, family, memory, limits, name, kind })
            }
            Err(error) => {
                // Safety: nothing was made of it.
                unsafe { instance.destroy_instance(None) };
                Err(error)
            }
        }
    }

    /// The device's name, as its driver says it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the device is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        let _alone = through_the_door();
        // Safety: what was made of the device is gone: it is owned by `Objects`, which drops the device last.
        unsafe {
            self.device.destroy_device(None);
            self.instance.destroy_instance(None);
        }
    }
}

/// The Vulkan library, loaded once. Another try is made as long as there is none.
fn library() -> Result<&'static Entry, GpuError> {
    if let Some(library) = LIBRARY.get() {
        return Ok(library);
    }
    // Safety: the library is the system's Vulkan loader.
    let loaded = unsafe { Entry::load() }.map_err(|error| GpuError::NoVulkan(error.to_string()))?;
    Ok(LIBRARY.get_or_init(|| loaded))
}

/// The best device that has a queue for compute shaders.
fn best(instance: &Instance) -> Result<Candidate, GpuError> {
    // Safety: the instance lives.
    let devices =
        unsafe { instance.enumerate_physical_devices() }.map_err(GpuError::of("vkEnumeratePhysicalDevices"))?;
    let mut others = Vec::new();
    let mut candidates = Vec::new();
    for device in devices {
        // Safety: the device is the instance's.
        let (properties, families) = unsafe {
            let families = instance.get_physical_device_queue_family_properties(device);
            (instance.get_physical_device_properties(device), families)
        };
        let name = properties.device_name_as_c_str().map(CStr::to_string_lossy).unwrap_or_default().into_owned();
        let kind = Kind::of(properties.device_type);
        match families.iter().position(|family| family.queue_flags.contains(vk::QueueFlags::COMPUTE)) {
            Some(family) => candidates.push(Candidate { device, family: family as u32, name, kind }),
            None => others.push(name),
        }
    }
    candidates.into_iter().min_by_key(|candidate| candidate.kind).ok_or(GpuError::NoDevice(others))
}

fn open(instance: &Instance, candidate: &Candidate) -> Result<Device, GpuError> {
    let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(candidate.family).queue_priorities(&[1.0])];
    let info = vk::DeviceCreateInfo::default().queue_create_infos(&queues);
    // Safety: the device is the instance's and has a family of this index.
    unsafe { instance.create_device(candidate.device, &info, None) }.map_err(GpuError::of("vkCreateDevice"))
}
