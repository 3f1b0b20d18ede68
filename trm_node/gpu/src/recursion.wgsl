// The three graphs of the released model (see `trm_kernel` for their formulas), for a batch of windows. A state is
// [tokens, tokens, 32]: eight vectors of four values a token. The third coordinate of a workgroup is the window.
//
// No subgroup operations: their size differs from device to device.

const HIDDEN = 32u;
// Vectors of four values in a token's state.
const VECTORS = 8u;
const CHANNELS = 5u;
// Cells along each side of the encoder's kernel.
const KERNEL = 6u;
const EPSILON = 1e-5;
// States of a window, in this order: x, y, z, and two that hold what is computed on the way.
const STATES = 5u;
const X = 0u;
const Y = 1u;
const Z = 2u;
const FIRST_SPARE = 3u;
const NONE = 0xffffffffu;
// Values before the input of each window: where it is shifted.
const HEADER = 4u;

// Tokens of a workgroup of `layer`.
const TILE_ROWS = 4u;
const TILE_COLS = 8u;
const TILE_TOKENS = 32u;
// Threads that share out its results, and those of each row of the kernel.
const THREADS = 128u;
// With a margin of one token on each side.
const FRAME_COLS = 10u;
const FRAME_VECTORS = 480u;

struct Immediates {
    // Along each side of the window.
    tokens: u32,
    // The states whose sum a layer reads; NONE for fewer than three.
    sources: vec3<u32>,
    // The state that it writes.
    target_state: u32,
    // Where its weights begin, in vectors.
    weights: u32,
    // Whether the change of the state is kept.
    tells_change: u32,
    // Values of a window's output, of which the logits come first.
    output_stride: u32,
    // The window that the first workgroups along z work on.
    first_window: u32,
}

@group(0) @binding(0) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> states: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> inputs: array<f32>;
@group(0) @binding(3) var<storage, read_write> outputs: array<f32>;
var<immediate> at: Immediates;

fn state_vectors() -> u32 {
    return at.tokens * at.tokens * VECTORS;
}

fn tiles() -> u32 {
    return ((at.tokens + TILE_ROWS - 1u) / TILE_ROWS) * ((at.tokens + TILE_COLS - 1u) / TILE_COLS);
}

// Where a state of a window begins, in vectors. After the states comes a vector for each tile: what has changed there.
fn state_start(window: u32, state: u32) -> u32 {
    return window * (STATES * state_vectors() + tiles()) + state * state_vectors();
}

fn input_stride() -> u32 {
    return HEADER + CHANNELS * 4u * at.tokens * at.tokens;
}

// ---------------------------------------------------------------- begin

// Shifts y and z into the spare states: the token at (row, col) is the one that was at (row + rows, col + cols), and
// those from outside are the bundle's first. A shift by a whole window makes all of them so.
@compute @workgroup_size(64)
fn begin(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = invocation + vec3<u32>(0u, 0u, at.first_window);
    if id.x >= state_vectors() {
        return;
    }
    let header = id.z * input_stride();
    let cols = bitcast<i32>(inputs[header]);
    let rows = bitcast<i32>(inputs[header + 1u]);
    let token = id.x / VECTORS;
    let row = i32(token / at.tokens) + rows;
    let col = i32(token % at.tokens) + cols;
    let tokens = i32(at.tokens);
    let inside = row >= 0 && row < tokens && col >= 0 && col < tokens;
    let vector = id.x % VECTORS;
    for (var state = 0u; state < 2u; state++) {
        var value = weights[at.weights + state * VECTORS + vector];
        if inside {
            value = states[state_start(id.z, Y + state) + u32(row * tokens + col) * VECTORS + vector];
        }
        states[state_start(id.z, FIRST_SPARE + state) + id.x] = value;
    }
}

// ---------------------------------------------------------------- encode

// Cells of a tile's tokens and of the tokens around it: 12 x 20 of each channel.
const CELL_COLS = 20u;
const CELLS = 240u;
var<workgroup> cells: array<f32, 1200>;

fn load_cells(window: u32, first_row: i32, first_col: i32, thread: u32) {
    let size = i32(2u * at.tokens);
    let input = window * input_stride() + HEADER;
    for (var n = thread; n < CHANNELS * CELLS; n += THREADS) {
        let row = first_row + i32(n % CELLS / CELL_COLS);
        let col = first_col + i32(n % CELL_COLS);
        var value = 0.0;
        if row >= 0 && row < size && col >= 0 && col < size {
            value = inputs[input + n / CELLS * u32(size * size) + u32(row * size + col)];
        }
        cells[n] = value;
    }
}

// x = conv3x3(unshuffle(input)) + bias, for a tile of tokens: a thread computes four values of two tokens side by side.
// Of its weights come first those of the convolution, [channel, row, column, output], then the bias.
@compute @workgroup_size(128)
fn encode(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let group = workgroup + vec3<u32>(0u, 0u, at.first_window);
    let first_row = group.y * TILE_ROWS;
    let first_col = group.x * TILE_COLS;
    load_cells(group.z, 2 * i32(first_row) - 2, 2 * i32(first_col) - 2, thread);
    workgroupBarrier();

    let vector = thread % VECTORS;
    let row = thread / 32u;
    let col = thread / VECTORS % 4u * 2u;
    var value = weights[at.weights + CHANNELS * KERNEL * KERNEL * VECTORS + vector];
    var next = value;
    for (var channel = 0u; channel < CHANNELS; channel++) {
        for (var down = 0u; down < KERNEL; down++) {
            let cell = channel * CELLS + (2u * row + down) * CELL_COLS + 2u * col;
            let weight = at.weights + (channel * KERNEL + down) * KERNEL * VECTORS + vector;
            for (var right = 0u; right < KERNEL; right++) {
                let w = weights[weight + right * VECTORS];
                value += cells[cell + right] * w;
                next += cells[cell + right + 2u] * w;
            }
        }
    }
    let r = first_row + row;
    let c = first_col + col;
    let place = state_start(group.z, X) + (r * at.tokens + c) * VECTORS + vector;
    if r < at.tokens && c < at.tokens {
        states[place] = value;
    }
    if r < at.tokens && c + 1u < at.tokens {
        states[place + VECTORS] = next;
    }
}

// ---------------------------------------------------------------- layer

// The tile's tokens and their neighbours, zero outside of the window.
var<workgroup> frame: array<vec4<f32>, FRAME_VECTORS>;
// The gates of two rows of the kernel, four tokens for each thread.
var<workgroup> parts: array<vec4<f32>, 512>;
// The gated values of the tile's tokens.
var<workgroup> gated: array<vec4<f32>, 256>;
var<workgroup> sums: array<f32, 256>;
// What threads add up.
var<workgroup> parts_of_sum: array<vec2<f32>, THREADS>;

// What a source adds at a vector of the state.
fn source(window: u32, state: u32, vector: u32) -> vec4<f32> {
    if state == NONE {
        return vec4<f32>();
    }
    return states[state_start(window, state) + vector];
}

fn load_frame(window: u32, first_row: i32, first_col: i32, thread: u32) {
    let tokens = i32(at.tokens);
    for (var n = thread; n < FRAME_VECTORS; n += 3u * THREADS) {
        let place = n / VECTORS;
        let row = first_row + i32(place / FRAME_COLS);
        let col = first_col + i32(place % FRAME_COLS);
        var value = vec4<f32>();
        if row >= 0 && row < tokens && col >= 0 && col < tokens {
            let vector = u32(row * tokens + col) * VECTORS + n % VECTORS;
            value = source(window, at.sources.x, vector) + source(window, at.sources.y, vector)
                + source(window, at.sources.z, vector);
        }
        frame[n] = value;
    }
}

// The products of one channel and one row of the kernel for four tokens side by side: `s` are the channel's values at
// four of their six columns, and `last` at the other two.
fn products(weight: u32, s: vec4<f32>, last: vec2<f32>) -> mat4x4<f32> {
    let left = weights[weight];
    let middle = weights[weight + 16u];
    let right = weights[weight + 32u];
    return mat4x4<f32>(
        left * s.x + middle * s.y + right * s.z,
        left * s.y + middle * s.z + right * s.w,
        left * s.z + middle * s.w + right * last.x,
        left * s.w + middle * last.x + right * last.y,
    );
}

fn silu(a: vec2<f32>) -> vec2<f32> {
    return a / (1.0 + exp(-a));
}

// Two gated values of a token: those of (a, a, b, b).
fn store_gated(place: u32, pair: u32, gate: vec4<f32>) {
    let value = silu(gate.xy) * gate.zw;
    let vector = place * VECTORS + pair / 2u;
    if pair % 2u == 0u {
        gated[vector].x = value.x;
        gated[vector].y = value.y;
    } else {
        gated[vector].z = value.x;
        gated[vector].w = value.y;
    }
}

// Writes four values of a token, normalised. Returns the sums of their squared changes and of their magnitudes, if
// these are asked for.
fn store_normalised(group: vec3<u32>, token: u32, vector: u32, value: vec4<f32>, gain: vec4<f32>) -> vec2<f32> {
    var squares = 0.0;
    for (var part = 0u; part < VECTORS; part++) {
        squares += sums[token * VECTORS + part];
    }
    let row = group.y * TILE_ROWS + token / TILE_COLS;
    let col = group.x * TILE_COLS + token % TILE_COLS;
    if row >= at.tokens || col >= at.tokens {
        return vec2<f32>();
    }
    let result = value * (1.0 / sqrt(squares / f32(HIDDEN) + EPSILON)) * gain;
    let place = state_start(group.z, at.target_state) + (row * at.tokens + col) * VECTORS + vector;
    var change = vec2<f32>();
    if at.tells_change != 0u {
        let difference = result - states[place];
        change = vec2<f32>(dot(difference, difference), dot(abs(result), vec4<f32>(1.0)));
    }
    states[place] = result;
    return change;
}

// [a, b] = conv3x3(s), then silu(a) * b, for the tile's tokens: a third of the threads computes one row of the kernel,
// since the time is that of waiting for weights. A thread computes two gates (two values of a and of b) of four tokens
// side by side.
fn compute_gated(thread: u32) {
    let down = thread / THREADS;
    let lane = thread % THREADS;
    let pair = lane % 16u;
    let row = lane / 32u;
    let col = lane / 16u % 2u * 4u;
    var gates = mat4x4<f32>();
    for (var vector = 0u; vector < VECTORS; vector++) {
        let place = ((row + down) * FRAME_COLS + col) * VECTORS + vector;
        let s0 = frame[place];
        let s1 = frame[place + VECTORS];
        let s2 = frame[place + 2u * VECTORS];
        let s3 = frame[place + 3u * VECTORS];
        let s4 = frame[place + 4u * VECTORS];
        let s5 = frame[place + 5u * VECTORS];
        let weight = at.weights + (down * HIDDEN + vector * 4u) * 48u + pair;
        gates += products(weight, vec4<f32>(s0.x, s1.x, s2.x, s3.x), vec2<f32>(s4.x, s5.x));
        gates += products(weight + 48u, vec4<f32>(s0.y, s1.y, s2.y, s3.y), vec2<f32>(s4.y, s5.y));
        gates += products(weight + 96u, vec4<f32>(s0.z, s1.z, s2.z, s3.z), vec2<f32>(s4.z, s5.z));
        gates += products(weight + 144u, vec4<f32>(s0.w, s1.w, s2.w, s3.w), vec2<f32>(s4.w, s5.w));
    }
    if down == 2u {
        for (var n = 0u; n < 4u; n++) {
            parts[n * THREADS + lane] = gates[n];
        }
    }
    workgroupBarrier();
    if down == 1u {
        for (var n = 0u; n < 4u; n++) {
            parts[n * THREADS + lane] += gates[n];
        }
    }
    workgroupBarrier();
    if down == 0u {
        let token = row * TILE_COLS + col;
        for (var n = 0u; n < 4u; n++) {
            store_gated(token + n, pair, gates[n] + parts[n * THREADS + lane]);
        }
    }
    workgroupBarrier();
}

// out = rms_norm(s + conv1x1(silu(a) * b)) * gain with [a, b] = conv3x3(s), for a tile of tokens. Of its weights come
// first those of the 3 x 3 convolution, [row, channel, column, pair of gates] of (a, a, b, b), then those of the 1 x 1
// convolution, [input, output / 4], and the gains.
@compute @workgroup_size(384)
fn layer(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let group = workgroup + vec3<u32>(0u, 0u, at.first_window);
    load_frame(group.z, i32(group.y * TILE_ROWS) - 1, i32(group.x * TILE_COLS) - 1, thread);
    workgroupBarrier();
    compute_gated(thread);

    // From here on four values of two tokens side by side, by the first threads.
    let is_first = thread < THREADS;
    let vector = thread % VECTORS;
    let first = thread % THREADS / VECTORS * 2u;
    let out_weights = at.weights + 3u * HIDDEN * 48u;
    let inner = ((first / TILE_COLS + 1u) * FRAME_COLS + first % TILE_COLS + 1u) * VECTORS + vector;
    var value = frame[inner];
    var next = frame[inner + VECTORS];
    if is_first {
        for (var input = 0u; input < VECTORS; input++) {
            let weight = out_weights + input * 4u * VECTORS + vector;
            let w0 = weights[weight];
            let w1 = weights[weight + VECTORS];
            let w2 = weights[weight + 2u * VECTORS];
            let w3 = weights[weight + 3u * VECTORS];
            let g = gated[first * VECTORS + input];
            let h = gated[(first + 1u) * VECTORS + input];
            value += w0 * g.x + w1 * g.y + w2 * g.z + w3 * g.w;
            next += w0 * h.x + w1 * h.y + w2 * h.z + w3 * h.w;
        }
        sums[first * VECTORS + vector] = dot(value, value);
        sums[(first + 1u) * VECTORS + vector] = dot(next, next);
    }
    workgroupBarrier();

    var change = vec2<f32>();
    if is_first {
        let gain = weights[out_weights + HIDDEN * VECTORS + vector];
        change = store_normalised(group, first, vector, value, gain)
            + store_normalised(group, first + 1u, vector, next, gain);
    }
    if at.tells_change != 0u {
        tell_change(group, thread, change);
    }
}

// The sum over the first `count` threads, a power of two; the first thread gets it.
fn sum_of_threads(thread: u32, count: u32, value: vec2<f32>) -> vec2<f32> {
    if thread < count {
        parts_of_sum[thread] = value;
    }
    for (var half = count / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half {
            parts_of_sum[thread] += parts_of_sum[thread + half];
        }
    }
    return parts_of_sum[0];
}

// Keeps the tile's sum of squared changes, and of magnitudes, for `decode`: they are finite as long as every value is.
fn tell_change(group: vec3<u32>, thread: u32, change: vec2<f32>) {
    let sum = sum_of_threads(thread, THREADS, change);
    if thread == 0u {
        let tile = group.y * ((at.tokens + TILE_COLS - 1u) / TILE_COLS) + group.x;
        states[state_start(group.z, STATES) + tile] = vec4<f32>(sum, 0.0, 0.0);
    }
}

// ---------------------------------------------------------------- decode

const DECODED = 64u;

// logits = shuffle(conv1x1([y, x]) + bias): a thread computes one class of a token's four cells. The first class also
// sums up w * y, of which q is the mean, and the second one copies what the tiles tell of the answer's change. Of its
// weights come first those of the classes, [class, input] of four cells, then the biases and w.
@compute @workgroup_size(64)
fn decode(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let group = workgroup + vec3<u32>(0u, 0u, at.first_window);
    let class_index = group.y;
    let token = group.x * DECODED + thread;
    let inside = token < at.tokens * at.tokens;
    let y = state_start(group.z, Y) + token * VECTORS;
    let x = state_start(group.z, X) + token * VECTORS;
    let biases = at.weights + 9u * 2u * HIDDEN;
    var q = 0.0;
    if inside {
        var sum = weights[biases + class_index];
        for (var vector = 0u; vector < VECTORS; vector++) {
            let for_y = at.weights + (class_index * 2u * HIDDEN) + vector * 4u;
            let v = states[y + vector];
            let u = states[x + vector];
            sum += weights[for_y] * v.x + weights[for_y + 1u] * v.y + weights[for_y + 2u] * v.z
                + weights[for_y + 3u] * v.w;
            let for_x = for_y + HIDDEN;
            sum += weights[for_x] * u.x + weights[for_x + 1u] * u.y + weights[for_x + 2u] * u.z
                + weights[for_x + 3u] * u.w;
            if class_index == 0u {
                q += dot(weights[biases + 9u + vector], v);
            }
        }
        let size = 2u * at.tokens;
        let row = 2u * (token / at.tokens);
        let cell = group.z * at.output_stride + (class_index * size + row) * size + 2u * (token % at.tokens);
        outputs[cell] = sum.x;
        outputs[cell + 1u] = sum.y;
        outputs[cell + size] = sum.z;
        outputs[cell + size + 1u] = sum.w;
    }
    if class_index == 1u && token < tiles() {
        let change = states[state_start(group.z, STATES) + token];
        let place = group.z * at.output_stride + 36u * at.tokens * at.tokens + 2u * token;
        outputs[place] = change.x;
        outputs[place + 1u] = change.y;
    }
    if class_index == 0u {
        tell_q(group, thread, q);
    }
}

fn tell_q(group: vec3<u32>, thread: u32, q: f32) {
    let sum = sum_of_threads(thread, DECODED, vec2<f32>(q, 0.0));
    if thread == 0u {
        outputs[group.z * at.output_stride + 36u * at.tokens * at.tokens + 2u * tiles() + group.x] = sum.x;
    }
}
