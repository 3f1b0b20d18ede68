"""TRM-Att and TRM-MLP against the published equations, written a second time as plain functions of a state dict."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from trm_train import maze_bundle, official, official_times
from trm_train.data import OFFSET_SCALE, SEED_VALUE
from trm_train.model import NONE
from trm_train.official import FREE, GOAL, PATH, START, WALL, Official
from trm_train.worlds import COL, ROW

SIDE = 6
ATT = {"d": 32, "side": SIDE, "heads": 4, "layers": 2, "n": 2, "T": 2, "prefix": 3, "inner": 48}
MLP = ATT | {"heads": 0, "mixer": 40}
LEARNED = ATT | {"positions": "learned"}


def make(widths: dict) -> Official:
    torch.manual_seed(5)
    model = Official(**widths).eval()
    with torch.no_grad():
        model.puzzle_emb.weights.normal_()
        model.q_head.weight.normal_(std=0.1)
    return model


def norm(s: Tensor) -> Tensor:
    return s / (s**2).mean(-1, keepdim=True).add(1e-5).sqrt()


def swiglu(s: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    both = torch.einsum("...i,oi->...o", s, weights[f"{name}.gate_up_proj.weight"])
    gate, up = both[..., : both.shape[-1] // 2], both[..., both.shape[-1] // 2 :]
    return torch.einsum("...i,oi->...o", gate / (1 + torch.exp(-gate)) * up, weights[f"{name}.down_proj.weight"])


def turned(s: Tensor) -> Tensor:
    """RoPE as it was published: pairs are complex numbers, turned by position * 10000^(-2 i / size). s is [L, h, size]."""
    half = s.shape[-1] // 2
    speed = torch.tensor([10000 ** (-i / half) for i in range(half)])
    angles = torch.arange(s.shape[0])[:, None, None] * speed
    pairs = torch.complex(s[..., :half], s[..., half:]) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([pairs.real, pairs.imag], -1)


def attention(s: Tensor, weights: dict[str, Tensor], name: str, heads: int, rotary: bool) -> Tensor:
    size = s.shape[1] // heads
    q, k, v = (
        torch.einsum("li,oi->lo", s, part).view(-1, heads, size) for part in weights[f"{name}.qkv_proj.weight"].chunk(3)
    )
    if rotary:
        q, k = turned(q), turned(k)
    scores = torch.einsum("ahi,bhi->hab", q, k) / math.sqrt(size)
    mixed = torch.einsum("hab,bhi->ahi", scores.exp() / scores.exp().sum(-1, keepdim=True), v).reshape(s.shape)
    return torch.einsum("li,oi->lo", mixed, weights[f"{name}.o_proj.weight"])


def level(s: Tensor, weights: dict[str, Tensor], widths: dict) -> Tensor:
    for layer in range(widths["layers"]):
        name = f"L_level.layers.{layer}"
        if widths["heads"]:
            rotary = widths.get("positions", "rope") == "rope"
            s = norm(s + attention(s, weights, f"{name}.self_attn", widths["heads"], rotary))
        else:
            s = norm(s.T + swiglu(s.T, weights, f"{name}.mlp_t")).T
        s = norm(s + swiglu(s, weights, f"{name}.mlp"))
    return s


def steps(tokens: Tensor, weights: dict[str, Tensor], widths: dict, count: int) -> list[tuple[Tensor, Tensor]]:
    """Token logits [S², 6] and q after each step, for the tokens [S²] of one maze."""
    d, prefix = widths["d"], widths["prefix"]
    first = torch.zeros(prefix, d)
    first[0] = weights["puzzle_emb.weights"][0]
    x = torch.cat([first, weights["embed_tokens.embedding_weight"][tokens]])
    if "embed_pos.embedding_weight" in weights:
        x = (x + weights["embed_pos.embedding_weight"]) / math.sqrt(2)
    x = x * math.sqrt(d)
    high, low = (weights[name].expand(len(x), d) for name in ("H_init", "L_init"))
    found = []
    for _ in range(count):
        for _ in range(widths["T"]):
            for _ in range(widths["n"]):
                low = level(low + (high + x), weights, widths)
            high = level(high + low, weights, widths)
        q = (weights["q_head.weight"] @ high[0] + weights["q_head.bias"])[0]
        found.append((high[prefix:] @ weights["lm_head.weight"].T, q))
    return found


@pytest.mark.parametrize("widths", [ATT, MLP, LEARNED], ids=["attention", "mlp", "learned positions"])
@torch.no_grad()
def test_each_step_is_that_of_the_equations(widths):
    model = make(widths)
    tokens = torch.randint(1, 5, (SIDE**2,))
    y, z = model.start(1)
    # Weights that nobody trained blow up differences of rounding: after 4 steps they are still small.
    for logits, q in steps(tokens, model.state_dict(), widths, 4):
        found, halting, y, z = model(torch.nn.functional.one_hot(tokens, 6).float()[None], y, z)
        torch.testing.assert_close(found[0], logits, atol=1e-3, rtol=0)
        torch.testing.assert_close(halting[0], q, atol=1e-3, rtol=0)


def room() -> np.ndarray:
    """The input of a window with a wall, three goal cells and the robot."""
    channels = np.zeros((6, SIDE, SIDE), np.float32)
    channels[0, 2, :4] = channels[0, 5, 5] = channels[3] = 1
    # The second is the nearest one, the third the one with the least cost-to-go.
    for (row, col), offset in {(0, 5): 1.0, (4, 3): 0.25, (5, 0): 0.0}.items():
        channels[1, row, col], channels[2, row, col] = SEED_VALUE, offset
    channels[5, 4, 4] = 1
    return channels


def test_a_window_becomes_a_maze_with_one_goal():
    tokens = official.Encode(make(ATT), OFFSET_SCALE).tokens(torch.from_numpy(room())[None])
    assert torch.equal(tokens.sum(2), torch.ones(1, SIDE**2))
    grid = tokens.argmax(2).view(SIDE, SIDE).numpy()
    expected = np.full((SIDE, SIDE), FREE)
    expected[2, :4] = expected[5, 5] = WALL
    # 5 away by 16 * 0.25 + 1, 0 + sqrt(17) away: the third is nearer.
    expected[4, 4], expected[5, 0] = START, GOAL
    np.testing.assert_array_equal(grid, expected)


def test_the_robot_on_its_goal_or_on_a_blocked_cell_is_still_the_start():
    channels = room()
    channels[:3, 4, 4] = 1, SEED_VALUE, 0
    grid = official.Encode(make(ATT), OFFSET_SCALE).tokens(torch.from_numpy(channels)[None]).argmax(2).view(SIDE, SIDE)
    assert grid[4, 4] == START and not (grid == GOAL).any()


def test_a_maze_and_its_window_are_the_same():
    tokens = np.full((SIDE, SIDE), FREE)
    tokens[1, 1:5], tokens[0, 0], tokens[3, 4] = WALL, START, GOAL
    found = official.Encode(make(ATT), OFFSET_SCALE).tokens(torch.from_numpy(maze_bundle.channels(tokens))[None])
    np.testing.assert_array_equal(found.argmax(2).view(SIDE, SIDE).numpy(), tokens)


def test_moves_lead_along_the_path_and_end_at_the_goal():
    answer = torch.full((SIDE, SIDE), FREE)
    answer[3, 1:5], answer[3, 0], answer[2, 4] = PATH, START, GOAL
    log_p = (20.0 * torch.nn.functional.one_hot(answer, 6)).log_softmax(-1).view(1, SIDE**2, 6)
    moves = official.moves_of(log_p, SIDE)[0]
    for row in range(SIDE):
        for col in range(SIDE):
            for k in range(8):
                to = (row + ROW[k], col + COL[k])
                inside = 0 <= to[0] < SIDE and 0 <= to[1] < SIDE
                on = inside and answer[to] in (PATH, GOAL)
                assert (moves[k, row, col] > -1e-3) == on, (row, col, k)
                assert on or moves[k, row, col] < -15
            assert (moves[NONE, row, col] > -1e-3) == (answer[row, col] == GOAL)


@pytest.mark.parametrize("widths", [ATT, MLP], ids=["att", "mlp"])
def test_a_step_is_timed_and_its_memory_told(widths):
    times, memory = official_times.measure(device="cpu", kind=torch.float32, rounds=3, batch=2, **widths)
    assert len(times) == 3 and 0 < times[0] <= times[-1] and memory > 0
