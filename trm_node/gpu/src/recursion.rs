//! The recursion on the device, for a batch of windows of one size.

use std::ops::Range;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use ash::vk;
use trm_kernel::{HIDDEN, MIN_TOKENS, Weights};

use crate::device::{Gpu, Kind};
use crate::error::GpuError;
use crate::layout::{HEADER, Layout, State, Update, WORKGROUP_BYTES, WORKGROUP_THREADS};
use crate::objects::{Buffer, Objects, Place};
use crate::pack::Packed;
use crate::pipelines::Pipelines;
use crate::records::{Buffers, Recorder, Records};

/// The most updates of one call of [`GpuRecursion::run`].
pub const MAX_UPDATES: usize = 56;
/// Records of a submission: updates, and one of each other part.
const MAX_RECORDS: usize = MAX_UPDATES + 8;
/// How long the end of a submission is watched for: waiting for the fence wakes up some 20 µs later.
const SPIN: Duration = Duration::from_micros(300);
/// How long work outside of the planning loop may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A model on a device, and the states x, y and z of its windows.
///
/// Every [active](Self::set_active) window of the batch is computed with each call. A shift and an input are taken to the device with
/// the next [`Self::run`].
///
/// After an error the states are lost: call [`Self::reset`] and [`Self::set_input`] before the next run.
pub struct GpuRecursion {
    layout: Layout,
    buffers: Buffers,
    /// For each range of windows.
    records: Vec<Records>,
    /// Which of them is submitted.
    active: usize,
    fence: vk::Fence,
    q_bias: f32,
    /// Whether y and z are to be shifted or reset.
    begins: bool,
    /// Whether there is an input to encode.
    encodes: bool,
    /// Whether the device may still work.
    in_flight: bool,
    objects: Objects,
}

// Safety: the mapped memory belongs to it alone, and Vulkan's handles may be used from any thread, one at a time.
unsafe impl Send for GpuRecursion {}

impl GpuRecursion {
    /// A model for windows of `tokens` × `tokens` tokens. Those of each of `ranges` may be active together, at first those of
    /// the last one. `start` holds the first y and z of a token, `[HIDDEN]` each.
    ///
    /// # Errors
    /// [`GpuError`] when the model has one layer only or its sizes are others, when the device has too little memory, or
    /// when a call fails.
    ///
    /// # Panics
    /// When there is no range, or an empty one.
    pub fn new(
        gpu: Gpu,
        weights: &Weights,
        start: [&[f32]; 2],
        tokens: usize,
        ranges: &[Range<usize>],
    ) -> Result<Self, GpuError> {
        let windows = ranges.iter().map(|range| range.end).max().unwrap_or(0);
        assert!(windows > 0 && ranges.iter().all(|range| !range.is_empty()), "windows in {ranges:?}");
        let layout = Layout { tokens, windows };
        check(weights, start, tokens)?;
        check_limits(&gpu)?;
        let packed = Packed::new(weights, start);
        let mut objects = Objects::new(gpu);
        let device_weights = objects.buffer("the size of the weights", packed.values.len(), Place::Device)?;
        let states =
            objects.buffer("the size of the states", layout.windows * layout.states_stride(), Place::Device)?;
        let inputs = layout.windows * layout.input_stride();
        let buffers = Buffers {
            states,
            staging: objects.buffer("the size of the input", inputs, Place::ToDevice)?,
            inputs: objects.buffer("the size of the input", inputs, Place::Device)?,
            outputs: objects.buffer(
                "the size of the output",
                layout.windows * layout.output_stride(),
                Place::FromDevice,
            )?,
        };
        let bound = [device_weights, states, buffers.inputs, buffers.outputs];
        let pipelines = Pipelines::new(&mut objects, bound)?;
        let pool = command_pool(&mut objects)?;
        let records = ranges.iter().map(|windows| {
            let (objects, pipelines, packed, windows) = (&objects, &pipelines, &packed, windows.clone());
            Records::new(&Recorder { objects, pipelines, buffers, layout, windows, packed }, pool)
        });
        let records: Vec<Records> = records.collect::<Result<_, _>>()?;
        let active = records.len() - 1;
        let fence = fence(&mut objects)?;
        let q_bias = weights.q.bias[0];
        let mut recursion = Self {
            layout,
            buffers,
            records,
            active,
            fence,
            q_bias,
            begins: true,
            encodes: true,
            in_flight: false,
            objects,
        };
        recursion.upload(&packed.values, device_weights, pool)?;
        (0..layout.windows).for_each(|window| recursion.reset(window));
        Ok(recursion)
    }

    /// The device's name, as its driver says it.
    #[must_use]
    pub fn device_name(&self) -> &str {
        self.objects.gpu.name()
    }

    /// The next runs work on these windows, and on others of the smallest range that has them. What was set of a window that
    /// isn't active waits.
    ///
    /// # Panics
    /// When no range has all of them.
    pub fn set_active(&mut self, windows: &Range<usize>) {
        let has_them = |range: &Range<usize>| range.start <= windows.start && windows.end <= range.end;
        let ranges = self.records.iter().map(|records| &records.windows).enumerate();
        let smallest = ranges.filter(|(_, range)| has_them(range)).min_by_key(|(_, range)| range.len());
        let (active, _) = smallest.expect("a range that has them");
        if active != self.active {
            // Something may wait for them. Where nothing does, nothing is shifted, and x becomes what it is.
            (self.active, self.begins, self.encodes) = (active, true, true);
        }
    }

    /// Whether work that was late is over. Until then nothing else may be asked for.
    ///
    /// # Errors
    /// [`GpuError::Busy`] while it isn't, [`GpuError::Lost`] when it never will be.
    pub fn check_ready(&mut self) -> Result<(), GpuError> {
        if !self.in_flight {
            return Ok(());
        }
        // Safety: the fence lives.
        match unsafe { self.objects.gpu.device.get_fence_status(self.fence) } {
            Ok(true) => {
                self.in_flight = false;
                Ok(())
            }
            Ok(false) => Err(GpuError::Busy),
            Err(code) => Err(GpuError::of("vkGetFenceStatus")(code)),
        }
    }

    /// Sets y and z of a window to the bundle's first, with the next run.
    pub fn reset(&mut self, window: usize) {
        // Whatever is shifted by a whole window is new.
        let tokens = self.layout.tokens as i32;
        self.set_header(window, [tokens, tokens]);
    }

    /// Shifts y and z of a window by whole tokens, with the next run: the token at (row, col) is then the one that was
    /// at (row + rows, col + cols). Shifts add up, and a reset swallows them.
    pub fn shift(&mut self, window: usize, cols: i32, rows: i32) {
        let most = self.layout.tokens as i32;
        let [before_cols, before_rows] = self.header(window);
        if before_cols.abs() < most && before_rows.abs() < most {
            let sum = |before: i32, more: i32| before.saturating_add(more).clamp(-most, most);
            self.set_header(window, [sum(before_cols, cols), sum(before_rows, rows)]);
        }
    }

    /// Sets the input of a window, `[CHANNELS, size, size]`, which is encoded with the next run.
    ///
    /// # Panics
    /// When it has another length.
    pub fn set_input(&mut self, window: usize, input: &[f32]) {
        assert_eq!(input.len(), self.layout.input_len());
        let at = window * self.layout.input_stride() + HEADER;
        self.staging()[at..at + input.len()].copy_from_slice(input);
        self.encodes = true;
    }

    /// Applies the net to the states, one update after the other. With `decode` the answer is decoded then. All of it is
    /// one submission.
    ///
    /// # Errors
    /// [`GpuError::Late`] when it isn't done within `patience`: its results are thrown away when they come, and until
    /// then every call fails with [`GpuError::Busy`]. [`GpuError::Lost`] when the device is lost, for good.
    ///
    /// # Panics
    /// When there are more than [`MAX_UPDATES`].
    pub fn run(&mut self, updates: &[Update], decode: bool, patience: Duration) -> Result<(), GpuError> {
        assert!(updates.len() <= MAX_UPDATES);
        self.check_ready()?;
        let mut records = ArrayVec::<vk::CommandBuffer, MAX_RECORDS>::new();
        let all = &self.records[self.active];
        records.extend((self.begins || self.encodes).then_some(all.load));
        records.extend(self.begins.then_some(all.begin));
        records.extend(self.encodes.then_some(all.encode));
        records.extend(updates.iter().map(|update| match update {
            Update::Latent => all.latent,
            Update::Answer => all.answer,
        }));
        records.extend(decode.then_some(all.decode));
        records.push(all.finish);
        self.submit(&records)?;
        (self.begins, self.encodes) = (false, false);
        self.wait(patience)?;
        // The device has taken them.
        self.records[self.active].windows.clone().for_each(|window| self.write_header(window, [0, 0]));
        Ok(())
    }

    /// The logits of a window, `[CLASSES, size, size]`, as they were decoded last.
    #[must_use]
    pub fn logits(&self, window: usize) -> &[f32] {
        &self.output(window)[..self.layout.logits_len()]
    }

    /// The halting logit q of a window, as it was decoded last.
    #[must_use]
    pub fn q(&self, window: usize) -> f32 {
        let parts = &self.output(window)[self.layout.logits_len() + self.layout.changes_len()..];
        let tokens = (self.layout.tokens * self.layout.tokens) as f32;
        parts.iter().sum::<f32>() / tokens + self.q_bias
    }

    /// The root mean square of the last change of a window's answer, as of when it was decoded last.
    #[must_use]
    pub fn change(&self, window: usize) -> f32 {
        let squares: f32 = self.changes(window).map(|change| change[0]).sum();
        (squares / self.layout.state_len() as f32).sqrt()
    }

    /// Whether a window's answer held neither infinity nor NaN when it was last updated, as of when it was decoded last.
    #[must_use]
    pub fn is_finite(&self, window: usize) -> bool {
        self.changes(window).all(|change| change[1].is_finite())
    }

    /// Copies a state of a window, `[tokens, tokens, HIDDEN]`. The logits are lost. For tests and tools: it waits.
    ///
    /// # Errors
    /// As [`Self::run`].
    ///
    /// # Panics
    /// When `into` has another length.
    pub fn read(&mut self, window: usize, state: State, into: &mut [f32]) -> Result<(), GpuError> {
        assert_eq!(into.len(), self.layout.state_len());
        self.run(&[], false, PATIENCE)?;
        let records = &self.records[self.active];
        self.submit(&[records.reads[state as usize], records.finish])?;
        self.wait(PATIENCE)?;
        into.copy_from_slice(&self.output(window)[..into.len()]);
        Ok(())
    }

    fn submit(&mut self, records: &[vk::CommandBuffer]) -> Result<(), GpuError> {
        let device = &self.objects.gpu.device;
        let submissions = [vk::SubmitInfo::default().command_buffers(records)];
        // Safety: the handles are the device's, and the fence belongs to no other submission: the last one is over.
        unsafe {
            device.reset_fences(&[self.fence]).map_err(GpuError::of("vkResetFences"))?;
            let submitted = device.queue_submit(self.objects.gpu.queue, &submissions, self.fence);
            submitted.map_err(GpuError::of("vkQueueSubmit"))?;
        }
        self.in_flight = true;
        Ok(())
    }

    fn wait(&mut self, patience: Duration) -> Result<(), GpuError> {
        // Where the device is the processor itself, watching takes its time.
        let began = Instant::now();
        while self.objects.gpu.kind() != Kind::Software && began.elapsed() < SPIN.min(patience) {
            if self.check_ready() != Err(GpuError::Busy) {
                return self.check_ready();
            }
            std::hint::spin_loop();
        }
        let patience_left = patience.saturating_sub(began.elapsed());
        let nanoseconds = u64::try_from(patience_left.as_nanos()).unwrap_or(u64::MAX);
        // Safety: the fence lives.
        match unsafe { self.objects.gpu.device.wait_for_fences(&[self.fence], true, nanoseconds) } {
            Ok(()) => {
                self.in_flight = false;
                Ok(())
            }
            Err(vk::Result::TIMEOUT) => Err(GpuError::Late(patience)),
            Err(code) => Err(GpuError::of("vkWaitForFences")(code)),
        }
    }

    /// Copies the weights to the device.
    fn upload(&mut self, values: &[f32], to: Buffer, pool: vk::CommandPool) -> Result<(), GpuError> {
        let from = self.objects.buffer("the size of the weights", values.len(), Place::ToDevice)?;
        host_mut(&from).copy_from_slice(values);
        let device = &self.objects.gpu.device;
        let info = vk::CommandBufferAllocateInfo::default().command_pool(pool).command_buffer_count(1);
        // Safety: the handles are the device's, and both buffers hold as many values.
        let commands = unsafe {
            let commands = device.allocate_command_buffers(&info).map_err(GpuError::of("vkAllocateCommandBuffers"))?[0];
            let begun = device.begin_command_buffer(commands, &vk::CommandBufferBeginInfo::default());
            begun.map_err(GpuError::of("vkBeginCommandBuffer"))?;
            let parts = [vk::BufferCopy::default().size(4 * values.len() as u64)];
            device.cmd_copy_buffer(commands, from.handle, to.handle, &parts);
            device.end_command_buffer(commands).map_err(GpuError::of("vkEndCommandBuffer"))?;
            commands
        };
        self.submit(&[commands])?;
        self.wait(PATIENCE)
    }

    fn header(&mut self, window: usize) -> [i32; 2] {
        let at = window * self.layout.input_stride();
        let staging = self.staging();
        [staging[at], staging[at + 1]].map(|value| value.to_bits() as i32)
    }

    fn set_header(&mut self, window: usize, shift: [i32; 2]) {
        self.write_header(window, shift);
        self.begins = true;
    }

    fn write_header(&mut self, window: usize, shift: [i32; 2]) {
        let at = window * self.layout.input_stride();
        let staging = self.staging();
        [staging[at], staging[at + 1]] = shift.map(|value| f32::from_bits(value as u32));
    }

    fn staging(&mut self) -> &mut [f32] {
        host_mut(&self.buffers.staging)
    }

    /// The pairs that the tiles of a window tell of its answer.
    fn changes(&self, window: usize) -> impl Iterator<Item = &[f32]> {
        self.output(window)[self.layout.logits_len()..][..self.layout.changes_len()].chunks_exact(2)
    }

    fn output(&self, window: usize) -> &[f32] {
        let Buffer { len, host, .. } = self.buffers.outputs;
        let Some(host) = host else { return &[] };
        // Safety: the memory is mapped for as long as `self` lives, holds `len` values, and the device writes to it only
        // between `submit` and `wait`. After a submission that was late it may: its values are never told then, since
        // every call fails until it is over.
        let all = unsafe { std::slice::from_raw_parts(host.as_ptr(), len) };
        &all[window * self.layout.output_stride()..][..self.layout.output_stride()]
    }
}

/// The memory of a buffer that the host writes to.
#[expect(clippy::mut_from_ref, reason = "the buffer is a handle")]
fn host_mut(buffer: &Buffer) -> &mut [f32] {
    match buffer.host {
        // Safety: the memory is mapped, holds `len` values, and each caller has it for itself: `GpuRecursion` is
        // borrowed mutably, and the device reads it only between `submit` and `wait`.
        Some(host) => unsafe { std::slice::from_raw_parts_mut(host.as_ptr(), buffer.len) },
        None => &mut [],
    }
}

fn check(weights: &Weights, start: [&[f32]; 2], tokens: usize) -> Result<(), GpuError> {
    let unfit = |what, value: usize, needed: String| Err(GpuError::Unfit { what, value: value as u64, needed });
    if !weights.is_complete() {
        return unfit("the number of values of a tensor", 0, "those of its shape".to_owned());
    }
    if weights.layers.len() < 2 {
        return unfit("the number of layers", weights.layers.len(), "at least 2".to_owned());
    }
    if tokens < MIN_TOKENS {
        return unfit("the window's side in tokens", tokens, format!("at least {MIN_TOKENS}"));
    }
    match start.iter().find(|state| state.len() != HIDDEN) {
        Some(state) => unfit("the length of a first state", state.len(), format!("{HIDDEN} values")),
        None => Ok(()),
    }
}

/// Whether the device runs workgroups as large as the shaders'.
fn check_limits(gpu: &Gpu) -> Result<(), GpuError> {
    let limits = &gpu.limits;
    for (what, value, least) in [
        ("the number of threads of a workgroup", limits.max_compute_work_group_invocations, WORKGROUP_THREADS),
        ("the length of a workgroup", limits.max_compute_work_group_size[0], WORKGROUP_THREADS),
        ("the memory of a workgroup", limits.max_compute_shared_memory_size, WORKGROUP_BYTES),
    ] {
        if value < least {
            return Err(GpuError::Unfit { what, value: value.into(), needed: format!("at least {least}") });
        }
    }
    Ok(())
}

fn command_pool(objects: &mut Objects) -> Result<vk::CommandPool, GpuError> {
    let info = vk::CommandPoolCreateInfo::default().queue_family_index(objects.gpu.family);
    // Safety: the device lives.
    let pool = unsafe { objects.gpu.device.create_command_pool(&info, None) };
    let pool = pool.map_err(GpuError::of("vkCreateCommandPool"))?;
    objects.command_pools.push(pool);
    Ok(pool)
}

fn fence(objects: &mut Objects) -> Result<vk::Fence, GpuError> {
    // Safety: the device lives.
    let fence = unsafe { objects.gpu.device.create_fence(&vk::FenceCreateInfo::default(), None) };
    let fence = fence.map_err(GpuError::of("vkCreateFence"))?;
    objects.fences.push(fence);
    Ok(fence)
}
