"""Generated worlds, exact costs-to-go and labels. Everything here is numba: it must outrun the training.

A world is a boolean array, True where the robot's centre can't be. Moves are the 8 neighbours, 1 and sqrt(2)
long; a diagonal move needs both cells beside it free, as the node's own check does. A move costs its length times the
mean of the two cells' weights (1 and more), as `trm_grid::travel` has it.
"""

import numba as nb
import numpy as np

ROW = np.array([-1, -1, 0, 1, 1, 1, 0, -1], np.int64)
COL = np.array([0, 1, 1, 1, 0, -1, -1, -1], np.int64)
DIAGONAL = np.float32(1.41421356)
NAMES = ("noise", "boxes", "rooms", "maze", "discs", "walls", "lattice", "caves", "shelves")
LATTICE = 6
KINDS = len(NAMES)


@nb.njit(cache=True)
def _noise(world):
    rows, cols = world.shape
    density = np.random.uniform(0.05, 0.4)
    for r in range(rows):
        for c in range(cols):
            world[r, c] = np.random.random() < density


@nb.njit(cache=True)
def _boxes(world):
    rows, cols = world.shape
    for _ in range(np.random.randint(2, max(3, rows * cols // 60))):
        h = np.random.randint(1, max(2, rows // 5))
        w = np.random.randint(1, max(2, cols // 5))
        r, c = np.random.randint(0, rows), np.random.randint(0, cols)
        world[r : r + h, c : c + w] = True


@nb.njit(cache=True)
def _rooms(world):
    """Recursive division with one or two doors in each wall."""
    rows, cols = world.shape
    stack = np.zeros((1024, 4), np.int64)
    stack[0] = np.array([0, 0, rows, cols])
    size = 1
    while size > 0:
        size -= 1
        r0, c0, h, w = stack[size]
        least = np.random.randint(4, 10)
        if (h < 2 * least and w < 2 * least) or size > 1020:
            continue
        across = (h >= w and h >= 2 * least) or w < 2 * least
        length = w if across else h
        if across:
            wall = r0 + np.random.randint(least - 1, h - least + 1)
            world[wall, c0 : c0 + w] = True
            stack[size] = np.array([r0, c0, wall - r0, w])
            stack[size + 1] = np.array([wall + 1, c0, r0 + h - wall - 1, w])
        else:
            wall = c0 + np.random.randint(least - 1, w - least + 1)
            world[r0 : r0 + h, wall] = True
            stack[size] = np.array([r0, c0, h, wall - c0])
            stack[size + 1] = np.array([r0, wall + 1, h, c0 + w - wall - 1])
        size += 2
        for _ in range(np.random.randint(1, 3)):
            door = np.random.randint(1, 4)
            at = np.random.randint(0, max(1, length - door))
            if across:
                world[wall, c0 + at : c0 + at + door] = False
            else:
                world[r0 + at : r0 + at + door, wall] = False


@nb.njit(cache=True)
def _maze(world):
    """A depth-first maze, corridors 1 to 3 wide, some loops."""
    rows, cols = world.shape
    width = np.random.randint(1, 4)
    pitch = width + 1
    mr, mc = (rows - 1) // pitch, (cols - 1) // pitch
    world[:] = True
    seen = np.zeros((mr, mc), np.bool_)
    seen[0, 0] = True
    stack = np.zeros((mr * mc + 1, 2), np.int64)
    size = 1
    for a in range(mr):
        for b in range(mc):
            world[1 + a * pitch : 1 + a * pitch + width, 1 + b * pitch : 1 + b * pitch + width] = False
    loops = np.random.uniform(0, 0.15)
    ways = np.zeros(4, np.int64)
    while size > 0:
        a, b = stack[size - 1]
        count = 0
        for k in range(4):
            na, nb_ = a + (k == 1) - (k == 3), b + (k == 0) - (k == 2)
            if na < 0 or nb_ < 0 or na >= mr or nb_ >= mc:
                continue
            if not seen[na, nb_]:
                ways[count] = k
                count += 1
            elif np.random.random() < loops * 0.5:
                _open(world, a, b, na, nb_, width, pitch)
        if count == 0:
            size -= 1
            continue
        k = ways[np.random.randint(0, count)]
        na, nb_ = a + (k == 1) - (k == 3), b + (k == 0) - (k == 2)
        _open(world, a, b, na, nb_, width, pitch)
        seen[na, nb_] = True
        stack[size, 0], stack[size, 1] = na, nb_
        size += 1


@nb.njit(cache=True)
def _open(world, a, b, na, nb_, width, pitch):
    r, c = 1 + min(a, na) * pitch, 1 + min(b, nb_) * pitch
    if na != a:
        world[r + width : r + pitch, c : c + width] = False
    else:
        world[r : r + width, c + width : c + pitch] = False


@nb.njit(cache=True)
def _discs(world):
    rows, cols = world.shape
    for _ in range(np.random.randint(3, max(4, rows * cols // 50))):
        radius = np.random.uniform(0.5, min(rows, 64) / 10)
        cr, cc = np.random.uniform(0, rows), np.random.uniform(0, cols)
        for r in range(max(0, int(cr - radius)), min(rows, int(cr + radius) + 2)):
            for c in range(max(0, int(cc - radius)), min(cols, int(cc + radius) + 2)):
                if (r - cr) ** 2 + (c - cc) ** 2 <= radius * radius:
                    world[r, c] = True


@nb.njit(cache=True)
def _walls(world):
    rows, cols = world.shape
    for _ in range(np.random.randint(2, max(3, rows * cols // 80))):
        r, c = np.random.randint(0, rows), np.random.randint(0, cols)
        k = np.random.randint(0, 8)
        for i in range(np.random.randint(3, max(4, rows // 2))):
            rr, cc = r + ROW[k] * i, c + COL[k] * i
            if 0 <= rr < rows and 0 <= cc < cols:
                world[rr, cc] = True
                if cc + 1 < cols:
                    world[rr, cc + 1] = True


@nb.njit(cache=True)
def _lattice(world):
    """A field of random walls with four moves (Maze-Hard) as a world with eight: its cell (r, c) is the world's
    (2r + 1, 2c + 1), a passage lies between two free neighbours, and pillars leave no diagonal."""
    rows, cols = world.shape
    density = np.random.uniform(0.3, 0.45)
    world[:] = True
    for r in range(1, rows, 2):
        for c in range(1, cols, 2):
            world[r, c] = np.random.random() < density
    for r in range(1, rows, 2):
        for c in range(1, cols, 2):
            if not world[r, c]:
                if r + 2 < rows and not world[r + 2, c]:
                    world[r + 1, c] = False
                if c + 2 < cols and not world[r, c + 2]:
                    world[r, c + 1] = False


@nb.njit(cache=True)
def _caves(world):
    """Noise, smoothed by a cellular automaton."""
    rows, cols = world.shape
    density = np.random.uniform(0.38, 0.47)
    for r in range(rows):
        for c in range(cols):
            world[r, c] = np.random.random() < density
    for _ in range(np.random.randint(2, 5)):
        old = world.copy()
        for r in range(rows):
            for c in range(cols):
                count = 0
                for dr in range(-1, 2):
                    for dc in range(-1, 2):
                        rr, cc = r + dr, c + dc
                        count += rr < 0 or cc < 0 or rr >= rows or cc >= cols or old[rr, cc]
                world[r, c] = count >= 5


@nb.njit(cache=True)
def _shelves(world):
    """Rows of shelves with aisles between them, gaps in the rows, some clutter."""
    rows, cols = world.shape
    deep, aisle = np.random.randint(1, 5), np.random.randint(1, 6)
    run, gap = np.random.randint(6, 30), np.random.randint(1, 5)
    margin = np.random.randint(0, 6)
    r = margin
    while r + deep <= rows - margin:
        c = margin + np.random.randint(0, gap + 1)
        while c < cols - margin:
            world[r : r + deep, c : min(c + run, cols - margin)] = True
            c += run + gap
        r += deep + aisle
    for _ in range(np.random.randint(0, max(1, rows * cols // 200))):
        world[np.random.randint(0, rows), np.random.randint(0, cols)] = True


@nb.njit(cache=True)
def generate(rows, cols, kind):
    """A world of the kind `NAMES[kind]`."""
    world = np.zeros((rows, cols), np.bool_)
    if kind == 0:
        _noise(world)
    elif kind == 1:
        _boxes(world)
    elif kind == 2:
        _rooms(world)
    elif kind == 3:
        _maze(world)
    elif kind == 4:
        _discs(world)
    elif kind == 5:
        _walls(world)
    elif kind == 6:
        _lattice(world)
    elif kind == 7:
        _caves(world)
    else:
        _shelves(world)
    return world


@nb.njit(cache=True)
def soft_weights(world, multiplier, scale, reach):
    """Weights [rows, cols] float32 of an inflated world: 1 + multiplier * exp(-(distance - 0.5) / scale) within `reach`
    cells of a blocked cell, else 1."""
    rows, cols = world.shape
    along = np.full((rows, cols), reach + 1, np.int64)
    for c in range(cols):
        last = -reach - 1
        for r in range(rows):
            if world[r, c]:
                last = r
            along[r, c] = min(along[r, c], r - last)
        last = rows + reach + 1
        for r in range(rows - 1, -1, -1):
            if world[r, c]:
                last = r
            along[r, c] = min(along[r, c], last - r)
    weights = np.ones((rows, cols), np.float32)
    for r in range(rows):
        for c in range(cols):
            if world[r, c]:
                continue
            best = (reach + 1) ** 2
            for cc in range(max(0, c - reach), min(cols, c + reach + 1)):
                best = min(best, (cc - c) ** 2 + along[r, cc] ** 2)
            if best <= reach * reach:
                weights[r, c] = 1 + multiplier * np.exp((0.5 - np.sqrt(best)) / scale)
    return weights


@nb.njit(cache=True)
def move_length(k):
    return DIAGONAL if ROW[k] != 0 and COL[k] != 0 else np.float32(1.0)


@nb.njit(cache=True)
def legal(world, r, c, k):
    """Whether move `k` from (r, c) stays in the world, ends free and cuts no corner."""
    rr, cc = r + ROW[k], c + COL[k]
    if rr < 0 or cc < 0 or rr >= world.shape[0] or cc >= world.shape[1] or world[rr, cc]:
        return False
    return not (ROW[k] != 0 and COL[k] != 0 and (world[r, cc] or world[rr, c]))


@nb.njit(cache=True)
def move_cost(weights, r, c, k):
    return move_length(k) * np.float32(0.5) * (weights[r, c] + weights[r + ROW[k], c + COL[k]])


@nb.njit(cache=True)
def cost_to_go(world, weights, goal_r, goal_c):
    """Dijkstra from the goal over the whole world: [rows, cols] float32, inf where it can't be reached."""
    rows, cols = world.shape
    dist = np.full((rows, cols), np.inf, np.float32)
    keys = np.empty(rows * cols * 8 + 1, np.float32)
    cells = np.empty(rows * cols * 8 + 1, np.int64)
    dist[goal_r, goal_c] = 0
    keys[0], cells[0] = 0, goal_r * cols + goal_c
    size = 1
    while size > 0:
        d, cell = keys[0], cells[0]
        size -= 1
        last, last_cell = keys[size], cells[size]
        i = 0
        while 2 * i + 1 < size:
            child = 2 * i + 1
            if child + 1 < size and keys[child + 1] < keys[child]:
                child += 1
            if keys[child] >= last:
                break
            keys[i], cells[i] = keys[child], cells[child]
            i = child
        keys[i], cells[i] = last, last_cell
        r, c = cell // cols, cell % cols
        if d > dist[r, c]:
            continue
        for k in range(8):
            if not legal(world, r, c, k):
                continue
            rr, cc = r + ROW[k], c + COL[k]
            new = d + move_cost(weights, r, c, k)
            if new < dist[rr, cc] - 1e-5:
                dist[rr, cc] = new
                i = size
                size += 1
                while i > 0 and keys[(i - 1) // 2] > new:
                    keys[i], cells[i] = keys[(i - 1) // 2], cells[(i - 1) // 2]
                    i = (i - 1) // 2
                keys[i], cells[i] = new, rr * cols + cc
    return dist


@nb.njit(cache=True)
def window_labels(world, weights, dist, r0, c0, size, tie):
    """Cuts the window at (r0, c0) out of a world with its cost-to-go.

    -> occupied [size, size]; exits [size, size], the offset of each goal cell and inf elsewhere; labels
    [size, size], bit k for a move k that costs at most `tie` more than an optimal one, bit 8 for "leave here"; cost
    [size, size] over the smallest goal cell. A goal cell is the goal itself, or a border cell from which an optimal path
    leaves the window.
    """
    occupied = world[r0 : r0 + size, c0 : c0 + size].copy()
    exits = np.full((size, size), np.inf, np.float32)
    labels = np.zeros((size, size), np.uint16)
    cost = np.full((size, size), np.inf, np.float32)
    base = np.float32(np.inf)
    for r in range(size):
        for c in range(size):
            d = dist[r0 + r, c0 + c]
            if occupied[r, c] or not np.isfinite(d):
                labels[r, c] = 256
                continue
            cost[r, c] = d
            bits = 0
            if d == 0:
                bits = 256
            else:
                for k in range(8):
                    if not legal(world, r0 + r, c0 + c, k):
                        continue
                    rr, cc = r + ROW[k], c + COL[k]
                    over = dist[r0 + rr, c0 + cc] + move_cost(weights, r0 + r, c0 + c, k) - d
                    inside = rr >= 0 and cc >= 0 and rr < size and cc < size
                    # Ways out are goal cells only where they are optimal, as `trm_net::encode` finds them.
                    if over <= (tie if inside else np.float32(1e-3)):
                        bits |= (1 << k) if inside else 256
            labels[r, c] = bits
            if bits & 256:
                exits[r, c] = d
                base = min(base, d)
    return occupied, exits - base, labels, cost - base


@nb.njit(cache=True)
def lengths(labels, exits, cost):
    """Cells from each cell of a window to the goal cell that its path of least cost leads to, [size, size] float32."""
    size = cost.shape[0]
    out = np.full((size, size), np.inf, np.float32)
    for at in np.argsort(cost.ravel()):
        r, c = at // size, at % size
        if not np.isfinite(cost[r, c]):
            break
        if np.isfinite(exits[r, c]):
            out[r, c] = 0
            continue
        best = np.float32(np.inf)
        for k in range(8):
            if labels[r, c] >> k & 1:
                rr, cc = r + ROW[k], c + COL[k]
                if cost[rr, cc] < best:
                    best = cost[rr, cc]
                    out[r, c] = out[rr, cc] + move_length(k)
    return out


@nb.njit(cache=True)
def seed_numba(seed):
    np.random.seed(seed)
