"""TRM-Att and TRM-MLP as published ("Less is More", arXiv 2510.04871), for mazes of tokens.

Written from the paper's equations and what its public code (github.com/SamsungSAILMontreal/TinyRecursiveModels) computes.
Weights have the names and shapes of that code's checkpoints, so that these load.

Shapes: `B` batch, `S` cells along a side, `P` prefix tokens, `L = P + S²` tokens, `d` hidden, `h` heads.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .model import MOVES
from .worlds import COL, ROW

PAD, WALL, FREE, START, GOAL, PATH = range(6)
"""The tokens of Maze-Hard: padding, then the characters `# SGo` of its data set."""
VOCABULARY = 6
CHANNELS = 6
"""The five channels of `data.channels`, then the robot's cell."""
OUTSIDE = -30.0
"""Logit of a move that leaves the window."""


@dataclass(frozen=True)
class Shape:
    """What a state dict doesn't hold, and what follows from its shapes.

    `heads` 0 is TRM-MLP, which mixes tokens with a SwiGLU in the place of attention. `n` latent updates (`L_cycles`) and one
    answer update make a cycle, `T` cycles (`H_cycles`) a step. `inner` and `mixer` are the widths of the two SwiGLUs.
    `positions` is `rope` or `learned`; TRM-MLP knows its positions anyway.
    """

    d: int = 512
    side: int = 30
    heads: int = 8
    layers: int = 2
    n: int = 4
    T: int = 3
    prefix: int = 16
    inner: int = 1536
    mixer: int = 2560
    positions: str = "rope"
    theta: float = 10000.0
    eps: float = 1e-5

    @property
    def tokens(self) -> int:
        return self.prefix + self.side**2


def rms_norm(s: Tensor, eps: float) -> Tensor:
    """RMS norm over the last axis, without a gain."""
    return s * torch.rsqrt(s.square().mean(-1, keepdim=True) + eps)


class SwiGLU(nn.Module):
    """`down(silu(gate) * up)`, where `[gate, up] = gate_up(s)`: `[..., width] -> [..., width]`."""

    def __init__(self, width: int, inner: int):
        super().__init__()
        self.gate_up_proj = nn.Linear(width, 2 * inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, s: Tensor) -> Tensor:
        gate, up = self.gate_up_proj(s).chunk(2, -1)
        return self.down_proj(F.silu(gate) * up)


class Attention(nn.Module):
    """Attention of every token to every token, `[B, L, d] -> [B, L, d]`."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.heads = shape.heads
        self.qkv_proj = nn.Linear(shape.d, 3 * shape.d, bias=False)
        self.o_proj = nn.Linear(shape.d, shape.d, bias=False)

    def forward(self, s: Tensor, turn: tuple[Tensor, Tensor] | None) -> Tensor:
        batch, tokens, d = s.shape
        # q, k and v, [B, h, L, d / h] each.
        q, k, v = self.qkv_proj(s).view(batch, tokens, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        if turn is not None:
            q, k = rotated(q, *turn), rotated(k, *turn)
        return self.o_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, d))


def rotated(s: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions (RoFormer, arXiv 2104.09864): value i and value i + half of a head are turned as one pair."""
    a, b = s.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def rope(shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosines and sines `[L, d / h / 2]` of the angles `position * theta^(-2 i h / d)`."""
    size = shape.d // shape.heads
    speeds = shape.theta ** (-torch.arange(0, size, 2, dtype=torch.float32) / size)
    angles = torch.outer(torch.arange(shape.tokens, dtype=torch.float32), speeds)
    return angles.cos(), angles.sin()


class Block(nn.Module):
    """`s <- norm(s + mix(s))`, then `s <- norm(s + mlp(s))`; TRM-MLP mixes and norms over the tokens of each channel."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.eps = shape.eps
        if shape.heads:
            self.self_attn = Attention(shape)
        else:
            self.mlp_t = SwiGLU(shape.tokens, shape.mixer)
        self.mlp = SwiGLU(shape.d, shape.inner)

    def forward(self, s: Tensor, turn: tuple[Tensor, Tensor] | None) -> Tensor:
        if hasattr(self, "self_attn"):
            s = rms_norm(s + self.self_attn(s, turn), self.eps)
        else:
            s = s.transpose(1, 2)
            s = rms_norm(s + self.mlp_t(s), self.eps).transpose(1, 2)
        return rms_norm(s + self.mlp(s), self.eps)


class Blocks(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.layers = nn.ModuleList([Block(shape) for _ in range(shape.layers)])


class Embedding(nn.Module):
    """A table of vectors, under the name that checkpoints give it."""

    def __init__(self, name: str, rows: int, columns: int):
        super().__init__()
        self.register_parameter(name, nn.Parameter(torch.empty(rows, columns)))


class Official(nn.Module):
    """x, y and z are `[B, L, d]`: `z_L` of the public code is z, `z_H` is y."""

    def __init__(self, **widths):
        super().__init__()
        self.shape = shape = Shape(**widths)
        self.n, self.T = shape.n, shape.T
        self.embed_tokens = Embedding("embedding_weight", VOCABULARY, shape.d)
        self.puzzle_emb = Embedding("weights", 1, shape.d)
        if shape.positions == "learned":
            self.embed_pos = Embedding("embedding_weight", shape.tokens, shape.d)
        self.L_level = Blocks(shape)
        self.lm_head = nn.Linear(shape.d, VOCABULARY, bias=False)
        self.q_head = nn.Linear(shape.d, 2)
        self.H_init = nn.Parameter(torch.empty(shape.d), requires_grad=False)
        self.L_init = nn.Parameter(torch.empty(shape.d), requires_grad=False)
        turned = shape.heads and shape.positions == "rope"
        for name, table in zip(("cos", "sin"), rope(shape) if turned else (None, None), strict=True):
            self.register_buffer(name, table, persistent=False)
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        """Truncated normals of 1 / sqrt(inputs); the prefix and the q head start at nothing, as published."""
        for weight in self.parameters():
            fan = weight.shape[-1] if weight.dim() == 2 else 1
            nn.init.trunc_normal_(weight, std=fan**-0.5, a=-2 * fan**-0.5, b=2 * fan**-0.5)
        self.puzzle_emb.weights.zero_()
        self.q_head.weight.zero_()
        self.q_head.bias.fill_(-5.0)

    def kernels(self) -> list[Tensor]:
        """The weights that Muon trains."""
        return list(self.L_level.parameters())

    def embed(self, tokens: Tensor) -> Tensor:
        """x of token weights `[B, S², VOCABULARY]`, 1 for each cell's token and 0 for the others."""
        shape = self.shape
        puzzle = self.puzzle_emb.weights
        prefix = torch.cat([puzzle, puzzle.new_zeros(shape.prefix - 1, shape.d)])
        x = torch.cat([prefix.expand(tokens.shape[0], -1, -1), tokens @ self.embed_tokens.embedding_weight], 1)
        if shape.positions == "learned":
            x = 0.5**0.5 * (x + self.embed_pos.embedding_weight)
        return shape.d**0.5 * x

    def net(self, s: Tensor) -> Tensor:
        turn = None if self.cos is None else (self.cos, self.sin)
        for layer in self.L_level.layers:
            s = layer(s, turn)
        return s

    def cycle(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        for _ in range(self.n):
            z = self.net(x + y + z)
        return self.net(y + z), z

    def answer(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """-> token logits `[B, S², VOCABULARY]`; the halting logit `[B]`, which is read at the first prefix token."""
        return self.lm_head(y[:, self.shape.prefix :]), self.q_head(y[:, 0])[:, 0]

    def forward(self, tokens: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """A supervision step, the gradient through the last cycle alone -> (token logits, q, y, z)."""
        x = self.embed(tokens)
        with torch.no_grad():
            for _ in range(self.T - 1):
                y, z = self.cycle(x, y, z)
        y, z = self.cycle(x, y, z)
        return *self.answer(y), y, z

    def start(self, batch: int) -> tuple[Tensor, Tensor]:
        """The first y and z, `[batch, L, d]` each."""
        return tuple(s.expand(batch, self.shape.tokens, -1).clone() for s in (self.H_init, self.L_init))


class Encode(nn.Module):
    """Channels `[B, CHANNELS, S, S]` -> x `[B, L, d]`: the planner's window as the tokens of a maze.

    The robot's cell is S. G is the goal cell with the least cost-to-go plus distance from the robot, since a maze has one.
    """

    def __init__(self, model: Official, offset_scale: float):
        super().__init__()
        self.model, self.offset_scale = model, offset_scale
        side = model.shape.side
        cells = torch.arange(side * side)
        self.register_buffer("cells", cells)
        self.register_buffer("rows", (cells // side).float())
        self.register_buffer("cols", (cells % side).float())

    def tokens(self, channels: Tensor) -> Tensor:
        occupied, goal, offset, _, _, start = channels.flatten(2).unbind(1)
        row, col = ((start * at).sum(1, keepdim=True) for at in (self.rows, self.cols))
        distance = ((self.rows - row).square() + (self.cols - col).square()).sqrt()
        far = 1e6 * (1 - goal.clamp(0, 1))
        chosen = (offset * self.offset_scale + distance + far).argmin(1, keepdim=True)
        goal = (self.cells == chosen).float() * (1 - start)
        wall = occupied * (1 - start) * (1 - goal)
        none = torch.zeros_like(start)
        return torch.stack([none, wall, 1 - start - goal - wall, start, goal, none], 2)

    def forward(self, channels: Tensor) -> Tensor:
        return self.model.embed(self.tokens(channels))


class Net(nn.Module):
    """s -> net(s), `[B, L, d]`."""

    def __init__(self, model: Official):
        super().__init__()
        self.model = model

    def forward(self, s: Tensor) -> Tensor:
        return self.model.net(s)


class Decode(nn.Module):
    """y `[B, L, d]` -> move logits `[B, 9, S, S]` and q `[B]`: the path as the planner's field of moves.

    A move is as probable as it is that the cell which it leads to is on the path: log p(path or G). The search from S enters
    no cell twice, so it can't go back along it. The ninth class is log p(G).
    """

    def __init__(self, model: Official):
        super().__init__()
        self.model = model

    def forward(self, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        logits, q = self.model.answer(y)
        return moves_of(logits.log_softmax(-1), self.model.shape.side), q


def moves_of(log_p: Tensor, side: int) -> Tensor:
    """Log probabilities of tokens `[B, S², VOCABULARY]` -> move logits `[B, 9, S, S]`."""
    log_p = log_p.view(-1, side, side, VOCABULARY)
    path, goal = log_p[..., PATH], log_p[..., GOAL]
    either = torch.maximum(path, goal) + (1 + (path - goal).abs().neg().exp()).log()
    for axis in (1, 2):
        outside = torch.full_like(either.narrow(axis, 0, 1), OUTSIDE)
        either = torch.cat([outside, either, outside], axis)
    moves = [either[:, 1 + ROW[k] : 1 + ROW[k] + side, 1 + COL[k] : 1 + COL[k] + side] for k in range(MOVES)]
    return torch.stack([*moves, goal], 1)
