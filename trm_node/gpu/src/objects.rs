//! Everything that was made on a device, destroyed together.

use std::ptr::NonNull;

use ash::vk;

use crate::device::Gpu;
use crate::error::GpuError;

/// Where a buffer's memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the device.
    Device,
    /// Where the host writes and the device reads.
    ToDevice,
    /// Where the device writes and the host reads.
    FromDevice,
}

impl Place {
    /// The kinds of memory that serve, the best first.
    const fn kinds(self) -> [vk::MemoryPropertyFlags; 2] {
        use vk::MemoryPropertyFlags as F;
        let shared = F::from_raw(F::HOST_VISIBLE.as_raw() | F::HOST_COHERENT.as_raw());
        match self {
            Self::Device => [F::DEVICE_LOCAL, F::empty()],
            Self::ToDevice => [shared, shared],
            Self::FromDevice => [F::from_raw(shared.as_raw() | F::HOST_CACHED.as_raw()), shared],
        }
    }
}

/// A buffer of single-precision values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buffer {
    pub handle: vk::Buffer,
    /// Values.
    pub len: usize,
    /// Its memory on the host, if it can be seen there.
    pub host: Option<NonNull<f32>>,
}

/// The device and what was made of it. Dropped in the other order.
pub(crate) struct Objects {
    buffers: Vec<vk::Buffer>,
    memory: Vec<vk::DeviceMemory>,
    pub modules: Vec<vk::ShaderModule>,
    pub set_layouts: Vec<vk::DescriptorSetLayout>,
    pub pipeline_layouts: Vec<vk::PipelineLayout>,
    pub pipelines: Vec<vk::Pipeline>,
    pub descriptor_pools: Vec<vk::DescriptorPool>,
    pub command_pools: Vec<vk::CommandPool>,
    pub fences: Vec<vk::Fence>,
    pub gpu: Gpu,
}

impl Objects {
    /// Nothing yet.
    pub const fn new(gpu: Gpu) -> Self {
        Self {
            buffers: Vec::new(),
            memory: Vec::new(),
            modules: Vec::new(),
            set_layouts: Vec::new(),
            pipeline_layouts: Vec::new(),
            pipelines: Vec::new(),
            descriptor_pools: Vec::new(),
            command_pools: Vec::new(),
            fences: Vec::new(),
            gpu,
        }
    }

    /// A buffer of `len` values.
    pub fn buffer(&mut self, what: &'static str, len: usize, place: Place) -> Result<Buffer, GpuError> {
        let bytes = 4 * len as u64;
        let most = u64::from(self.gpu.limits.max_storage_buffer_range);
        if bytes > most {
            return Err(GpuError::Unfit { what, value: bytes, needed: format!("at most {most} bytes") });
        }
        let usage = vk::BufferUsageFlags::STORAGE_BUFFER
            | vk::BufferUsageFlags::TRANSFER_SRC
            | vk::BufferUsageFlags::TRANSFER_DST;
        let info = vk::BufferCreateInfo::default().size(bytes).usage(usage);
        let device = &self.gpu.device;
        // Safety: the device lives; this holds for all calls of this file.
        let handle = unsafe { device.create_buffer(&info, None) }.map_err(GpuError::of("vkCreateBuffer"))?;
        self.buffers.push(handle);
        // Safety: as above.
        let needs = unsafe { device.get_buffer_memory_requirements(handle) };
        let index = memory_type(&self.gpu.memory, needs.memory_type_bits, place).ok_or(GpuError::Unfit {
            what,
            value: bytes,
            needed: format!("memory of another kind ({place:?})"),
        })?;
        let info = vk::MemoryAllocateInfo::default().allocation_size(needs.size).memory_type_index(index);
        // Safety: as above.
        let memory = unsafe { device.allocate_memory(&info, None) }.map_err(GpuError::of("vkAllocateMemory"))?;
        self.memory.push(memory);
        // Safety: the memory is as large and as aligned as the buffer needs.
        unsafe { device.bind_buffer_memory(handle, memory, 0) }.map_err(GpuError::of("vkBindBufferMemory"))?;
        let host = match place {
            Place::Device => None,
            Place::ToDevice | Place::FromDevice => {
                // Safety: memory of these kinds can be mapped, and is mapped once.
                let mapped = unsafe { device.map_memory(memory, 0, vk::WHOLE_SIZE, vk::MemoryMapFlags::empty()) }
                    .map_err(GpuError::of("vkMapMemory"))?;
                // Safety: the mapped memory holds `len` values, and zeros are values.
                unsafe { std::ptr::write_bytes(mapped.cast::<f32>(), 0, len) };
                NonNull::new(mapped.cast())
            }
        };
        Ok(Buffer { handle, len, host })
    }
}

/// The first kind of memory that serves.
fn memory_type(memory: &vk::PhysicalDeviceMemoryProperties, allowed: u32, place: Place) -> Option<u32> {
    let types = memory.memory_types_as_slice();
    let find = |kind: &vk::MemoryPropertyFlags| {
        (0..types.len()).find(|at| allowed >> at & 1 == 1 && types[*at].property_flags.contains(*kind))
    };
    place.kinds().iter().find_map(find).map(|at| at as u32)
}

impl Drop for Objects {
    fn drop(&mut self) {
        let device = &self.gpu.device;
        // Safety: after the wait the device uses nothing any more (a lost one doesn't, either), and each handle is
        // destroyed once.
        unsafe {
            let _ = device.device_wait_idle();
            self.fences.iter().for_each(|fence| device.destroy_fence(*fence, None));
            self.command_pools.iter().for_each(|pool| device.destroy_command_pool(*pool, None));
            self.descriptor_pools.iter().for_each(|pool| device.destroy_descriptor_pool(*pool, None));
            self.pipelines.iter().for_each(|pipeline| device.destroy_pipeline(*pipeline, None));
            self.pipeline_layouts.iter().for_each(|layout| device.destroy_pipeline_layout(*layout, None));
            self.set_layouts.iter().for_each(|layout| device.destroy_descriptor_set_layout(*layout, None));
            self.modules.iter().for_each(|module| device.destroy_shader_module(*module, None));
            self.buffers.iter().for_each(|buffer| device.destroy_buffer(*buffer, None));
            self.memory.iter().for_each(|memory| device.free_memory(*memory, None));
        }
    }
}
