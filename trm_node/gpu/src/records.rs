//! The parts of the recursion as recorded commands: recorded once, submitted again and again in any order.

use std::ops::Range;

use ash::vk;

use crate::error::GpuError;
use crate::layout::{FIRST_SPARE, Layout, State};
use crate::objects::{Buffer, Objects};
use crate::pack::Packed;
use crate::pipelines::{Immediates, Pipelines};

/// No state.
const NONE: u32 = u32::MAX;

/// The buffers that records name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buffers {
    pub states: Buffer,
    /// What the host has written for the device.
    pub staging: Buffer,
    pub inputs: Buffer,
    pub outputs: Buffer,
}

/// The recorded parts, for some of the windows. Each ends so that another one may follow.
pub(crate) struct Records {
    /// The windows that they work on.
    pub windows: Range<usize>,
    /// Copies the host's input to the device.
    pub load: vk::CommandBuffer,
    /// Shifts y and z, or sets them to the bundle's first.
    pub begin: vk::CommandBuffer,
    /// `x = encode(input)`.
    pub encode: vk::CommandBuffer,
    /// `z ← net(x + y + z)`.
    pub latent: vk::CommandBuffer,
    /// `y ← net(y + z)`.
    pub answer: vk::CommandBuffer,
    /// The logits and q.
    pub decode: vk::CommandBuffer,
    /// Shows the host what was written.
    pub finish: vk::CommandBuffer,
    /// Copies x, y or z to where the logits are.
    pub reads: [vk::CommandBuffer; 3],
}

/// Everything that recording needs.
pub(crate) struct Recorder<'a> {
    pub objects: &'a Objects,
    pub pipelines: &'a Pipelines,
    pub buffers: Buffers,
    pub layout: Layout,
    /// The windows that are worked on.
    pub windows: Range<usize>,
    pub packed: &'a Packed,
}

impl Records {
    /// Records everything.
    pub fn new(recorder: &Recorder, pool: vk::CommandPool) -> Result<Self, GpuError> {
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(10);
        // Safety: the device and the pool live.
        let all = unsafe { recorder.objects.gpu.device.allocate_command_buffers(&info) }
            .map_err(GpuError::of("vkAllocateCommandBuffers"))?;
        let records = Self {
            windows: recorder.windows.clone(),
            load: all[0],
            begin: all[1],
            encode: all[2],
            latent: all[3],
            answer: all[4],
            decode: all[5],
            finish: all[6],
            reads: [all[7], all[8], all[9]],
        };
        recorder.record(records.load, Recorder::load)?;
        recorder.record(records.begin, Recorder::begin)?;
        recorder.record(records.encode, Recorder::encode)?;
        recorder.record(records.latent, |r, commands| r.net(commands, State::Z))?;
        recorder.record(records.answer, |r, commands| r.net(commands, State::Y))?;
        recorder.record(records.decode, Recorder::decode)?;
        recorder.record(records.finish, Recorder::show)?;
        for (state, record) in [State::X, State::Y, State::Z].into_iter().zip(records.reads) {
            recorder.record(record, |r, commands| r.read(commands, state))?;
        }
        Ok(records)
    }
}

impl Recorder<'_> {
    fn record(&self, commands: vk::CommandBuffer, what: impl FnOnce(&Self, vk::CommandBuffer)) -> Result<(), GpuError> {
        let device = &self.objects.gpu.device;
        // A submission may hold the same record several times.
        let info = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::SIMULTANEOUS_USE);
        // Safety: the device lives, and all handles are its own; this holds for all calls of this file.
        unsafe { device.begin_command_buffer(commands, &info) }.map_err(GpuError::of("vkBeginCommandBuffer"))?;
        what(self, commands);
        // Safety: as above.
        unsafe { device.end_command_buffer(commands) }.map_err(GpuError::of("vkEndCommandBuffer"))
    }

    const fn immediates(&self) -> Immediates {
        Immediates {
            tokens: self.layout.tokens as u32,
            padding: [0; 3],
            sources: [NONE; 3],
            target: NONE,
            weights: 0,
            tells_change: 0,
            output_stride: self.layout.output_stride() as u32,
            first_window: self.windows.start as u32,
        }
    }

    /// One dispatch, which waits for all before it.
    fn dispatch(
        &self,
        commands: vk::CommandBuffer,
        pipeline: vk::Pipeline,
        immediates: &Immediates,
        [x, y]: [usize; 2],
    ) {
        let device = &self.objects.gpu.device;
        let layout = self.pipelines.layout;
        let point = vk::PipelineBindPoint::COMPUTE;
        // Safety: as above.
        unsafe {
            device.cmd_bind_pipeline(commands, point, pipeline);
            device.cmd_bind_descriptor_sets(commands, point, layout, 0, &[self.pipelines.set], &[]);
            device.cmd_push_constants(commands, layout, vk::ShaderStageFlags::COMPUTE, 0, &immediates.bytes());
            device.cmd_dispatch(commands, x as u32, y as u32, self.windows.len() as u32);
        }
        self.wait_for_device(commands);
    }

    fn barrier(&self, commands: vk::CommandBuffer, (stages, access): (vk::PipelineStageFlags, vk::AccessFlags)) {
        let barriers = [vk::MemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::SHADER_WRITE | vk::AccessFlags::TRANSFER_WRITE)
            .dst_access_mask(access)];
        let before = vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER;
        let device = &self.objects.gpu.device;
        // Safety: as above.
        unsafe {
            device.cmd_pipeline_barrier(commands, before, stages, vk::DependencyFlags::empty(), &barriers, &[], &[]);
        }
    }

    /// What follows sees what was written before.
    fn wait_for_device(&self, commands: vk::CommandBuffer) {
        let stages = vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER;
        let access = vk::AccessFlags::SHADER_READ
            | vk::AccessFlags::SHADER_WRITE
            | vk::AccessFlags::TRANSFER_READ
            | vk::AccessFlags::TRANSFER_WRITE;
        self.barrier(commands, (stages, access));
    }

    fn show(&self, commands: vk::CommandBuffer) {
        self.barrier(commands, (vk::PipelineStageFlags::HOST, vk::AccessFlags::HOST_READ));
    }

    fn copy(&self, commands: vk::CommandBuffer, from: Buffer, to: Buffer, parts: &[vk::BufferCopy]) {
        // Safety: as above; callers keep within the buffers.
        unsafe { self.objects.gpu.device.cmd_copy_buffer(commands, from.handle, to.handle, parts) };
        self.wait_for_device(commands);
    }

    fn load(&self, commands: vk::CommandBuffer) {
        let Buffers { staging, inputs, .. } = self.buffers;
        let (first, stride) = (self.windows.start as u64, 4 * self.layout.input_stride() as u64);
        let part = vk::BufferCopy::default().src_offset(first * stride).dst_offset(first * stride);
        self.copy(commands, staging, inputs, &[part.size(self.windows.len() as u64 * stride)]);
    }

    fn begin(&self, commands: vk::CommandBuffer) {
        let immediates = Immediates { weights: self.packed.start, ..self.immediates() };
        self.dispatch(commands, self.pipelines.begin, &immediates, [self.layout.vector_groups(), 1]);
        let state = 4 * self.layout.state_len() as u64;
        let part = |window: usize| {
            let start = 4 * (window * self.layout.states_stride()) as u64;
            vk::BufferCopy::default()
                .src_offset(start + u64::from(FIRST_SPARE) * state)
                .dst_offset(start + State::Y as u64 * state)
                .size(2 * state)
        };
        let parts: Vec<_> = self.windows.clone().map(part).collect();
        self.copy(commands, self.buffers.states, self.buffers.states, &parts);
    }

    fn encode(&self, commands: vk::CommandBuffer) {
        let immediates = Immediates { weights: self.packed.encode, ..self.immediates() };
        self.dispatch(commands, self.pipelines.encode, &immediates, self.layout.tiles());
    }

    /// The layers. The first reads the states, the last writes the one that is updated, and those between the spare
    /// ones in turn: a workgroup reads its neighbours' tokens, so none may write what another one still reads.
    fn net(&self, commands: vk::CommandBuffer, updated: State) {
        let [x, y, z] = [State::X as u32, State::Y as u32, State::Z as u32];
        let mut sources = if updated == State::Z { [x, y, z] } else { [y, z, NONE] };
        for (at, weights) in self.packed.layers.iter().enumerate() {
            let is_last = at + 1 == self.packed.layers.len();
            let target = if is_last { updated as u32 } else { FIRST_SPARE + at as u32 % 2 };
            let tells_change = u32::from(is_last && updated == State::Y);
            let immediates = Immediates { sources, target, weights: *weights, tells_change, ..self.immediates() };
            self.dispatch(commands, self.pipelines.layer, &immediates, self.layout.tiles());
            sources = [target, NONE, NONE];
        }
    }

    fn decode(&self, commands: vk::CommandBuffer) {
        let immediates = Immediates { weights: self.packed.decode, ..self.immediates() };
        let groups = [self.layout.decode_groups(), trm_kernel::CLASSES];
        self.dispatch(commands, self.pipelines.decode, &immediates, groups);
    }

    fn read(&self, commands: vk::CommandBuffer, state: State) {
        let len = self.layout.state_len();
        let part = |window: usize| {
            let from = window * self.layout.states_stride() + state as usize * len;
            vk::BufferCopy::default()
                .src_offset(4 * from as u64)
                .dst_offset(4 * (window * self.layout.output_stride()) as u64)
                .size(4 * len as u64)
        };
        let parts: Vec<_> = self.windows.clone().map(part).collect();
        self.copy(commands, self.buffers.states, self.buffers.outputs, &parts);
    }
}
