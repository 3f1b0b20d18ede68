//! The shaders, ready to be dispatched, and the buffers that they are bound to.

use std::ffi::CStr;

use ash::vk;

use crate::error::GpuError;
use crate::objects::{Buffer, Objects};

/// What a dispatch is told. Laid out as the shaders' `Immediates`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Immediates {
    pub tokens: u32,
    /// A vector of three begins at a multiple of 16 bytes.
    pub padding: [u32; 3],
    pub sources: [u32; 3],
    pub target: u32,
    pub weights: u32,
    pub tells_change: u32,
    pub output_stride: u32,
    pub first_window: u32,
}

/// Bytes of [`Immediates`]. Every device takes at least 128.
const IMMEDIATE_BYTES: usize = size_of::<Immediates>();

impl Immediates {
    /// The bytes in the order of the fields.
    pub fn bytes(&self) -> [u8; IMMEDIATE_BYTES] {
        let [a, b, c] = self.padding;
        let [x, y, z] = self.sources;
        let Self { tokens, target, weights, tells_change, output_stride, first_window, .. } = *self;
        let words = [tokens, a, b, c, x, y, z, target, weights, tells_change, output_stride, first_window];
        let mut bytes = [0; IMMEDIATE_BYTES];
        for (four, word) in bytes.chunks_exact_mut(4).zip(words) {
            four.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// The entry points of the shaders.
pub(crate) struct Pipelines {
    pub layout: vk::PipelineLayout,
    pub set: vk::DescriptorSet,
    pub begin: vk::Pipeline,
    pub encode: vk::Pipeline,
    pub layer: vk::Pipeline,
    pub decode: vk::Pipeline,
}

impl Pipelines {
    /// The shaders on these buffers, in the order of their bindings.
    pub fn new(objects: &mut Objects, buffers: [Buffer; 4]) -> Result<Self, GpuError> {
        let set_layout = set_layout(objects, buffers.len())?;
        let ranges =
            [vk::PushConstantRange::default().stage_flags(vk::ShaderStageFlags::COMPUTE).size(IMMEDIATE_BYTES as u32)];
        let layouts = [set_layout];
        let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&layouts).push_constant_ranges(&ranges);
        let device = &objects.gpu.device;
        // Safety: the device lives, and nothing that the infos point to is gone; this holds for all calls of this file.
        let layout =
            unsafe { device.create_pipeline_layout(&info, None) }.map_err(GpuError::of("vkCreatePipelineLayout"))?;
        objects.pipeline_layouts.push(layout);
        let set = bind(objects, set_layout, buffers)?;
        let words: Vec<u32> = include_bytes!(concat!(env!("OUT_DIR"), "/recursion.spv"))
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        let info = vk::ShaderModuleCreateInfo::default().code(&words);
        // Safety: as above, and the words are a valid module: naga has validated it.
        let module = unsafe { objects.gpu.device.create_shader_module(&info, None) }
            .map_err(GpuError::of("vkCreateShaderModule"))?;
        objects.modules.push(module);
        let mut pipeline = |name| pipeline(objects, layout, module, name);
        let [begin, encode] = [pipeline(c"begin")?, pipeline(c"encode")?];
        let [layer, decode] = [pipeline(c"layer")?, pipeline(c"decode")?];
        Ok(Self { layout, set, begin, encode, layer, decode })
    }
}

fn set_layout(objects: &mut Objects, buffers: usize) -> Result<vk::DescriptorSetLayout, GpuError> {
    let binding = |at: usize| {
        vk::DescriptorSetLayoutBinding::default()
            .binding(at as u32)
            .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
            .descriptor_count(1)
            .stage_flags(vk::ShaderStageFlags::COMPUTE)
    };
    let bindings: Vec<_> = (0..buffers).map(binding).collect();
    let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
    // Safety: as above.
    let layout = unsafe { objects.gpu.device.create_descriptor_set_layout(&info, None) }
        .map_err(GpuError::of("vkCreateDescriptorSetLayout"))?;
    objects.set_layouts.push(layout);
    Ok(layout)
}

fn bind(
    objects: &mut Objects,
    layout: vk::DescriptorSetLayout,
    buffers: [Buffer; 4],
) -> Result<vk::DescriptorSet, GpuError> {
    let sizes = [vk::DescriptorPoolSize::default()
        .ty(vk::DescriptorType::STORAGE_BUFFER)
        .descriptor_count(buffers.len() as u32)];
    let info = vk::DescriptorPoolCreateInfo::default().max_sets(1).pool_sizes(&sizes);
    let device = &objects.gpu.device;
    // Safety: as above.
    let pool = unsafe { device.create_descriptor_pool(&info, None) }.map_err(GpuError::of("vkCreateDescriptorPool"))?;
    objects.descriptor_pools.push(pool);
    let layouts = [layout];
    let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(pool).set_layouts(&layouts);
    // Safety: as above.
    let sets = unsafe { device.allocate_descriptor_sets(&info) }.map_err(GpuError::of("vkAllocateDescriptorSets"))?;
    let set = sets[0];
    let infos = buffers
        .map(|buffer| [vk::DescriptorBufferInfo::default().buffer(buffer.handle).offset(0).range(vk::WHOLE_SIZE)]);
    let writes: Vec<_> = (0..)
        .zip(&infos)
        .map(|(binding, info)| {
            vk::WriteDescriptorSet::default()
                .dst_set(set)
                .dst_binding(binding)
                .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                .buffer_info(info)
        })
        .collect();
    // Safety: as above.
    unsafe { device.update_descriptor_sets(&writes, &[]) };
    Ok(set)
}

fn pipeline(
    objects: &mut Objects,
    layout: vk::PipelineLayout,
    module: vk::ShaderModule,
    name: &CStr,
) -> Result<vk::Pipeline, GpuError> {
    let stage =
        vk::PipelineShaderStageCreateInfo::default().stage(vk::ShaderStageFlags::COMPUTE).module(module).name(name);
    let infos = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout)];
    // Safety: as above.
    let made = unsafe { objects.gpu.device.create_compute_pipelines(vk::PipelineCache::null(), &infos, None) };
    let pipelines = made.map_err(|(_, code)| GpuError::of("vkCreateComputePipelines")(code))?;
    objects.pipelines.extend_from_slice(&pipelines);
    Ok(pipelines[0])
}
