"""The Tiny Recursive Model ("Less is More", arXiv 2510.04871) with a convolutional net.

Shapes: `B` batch, `H`, `W` window cells, `p` patch, `h = H / p`, `w = W / p` tokens, `d` hidden.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOVES = 8
"""The moves in (row, column): N, NE, E, SE, S, SW, W, NW, with row 0 the first row of the window."""
NONE = 8
"""The ninth class: no move known yet, or (on an exit cell) leave the window here."""
CLASSES = 9


class Layer(nn.Module):
    """`s <- rms_norm(s + conv1x1(silu(a) * b)) * gain`, where `[a, b] = conv3x3(s)`."""

    def __init__(self, d: int):
        super().__init__()
        self.gate = nn.Conv2d(d, 2 * d, 3, padding=1, bias=False)
        self.out = nn.Conv2d(d, d, 1, bias=False)
        self.gain = nn.Parameter(torch.ones(d, 1, 1))

    def forward(self, s: Tensor) -> Tensor:
        a, b = self.gate(s).split(s.shape[1], 1)
        return rms_norm(s + self.out(F.silu(a) * b), self.gain)


def rms_norm(s: Tensor, gain: Tensor) -> Tensor:
    """RMS norm over the channels of `s` [B, d, h, w], then the gain [d, 1, 1]."""
    return s * torch.rsqrt(s.pow(2).mean(1, keepdim=True) + 1e-5) * gain


class Encode(nn.Module):
    """Channels [B, c, H, W] -> x [B, d, h, w]."""

    def __init__(self, channels: int, d: int, patch: int):
        super().__init__()
        self.patch = patch
        self.conv = nn.Conv2d(channels * patch * patch, d, 3, padding=1)

    def forward(self, channels: Tensor) -> Tensor:
        return self.conv(F.pixel_unshuffle(channels, self.patch))


class Decode(nn.Module):
    """y, x [B, d, h, w] -> move logits [B, 9, H, W] and the halting logit q [B]."""

    def __init__(self, d: int, patch: int):
        super().__init__()
        self.patch = patch
        self.moves = nn.Conv2d(2 * d, CLASSES * patch * patch, 1)
        self.q = nn.Linear(d, 1)

    def forward(self, y: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = F.pixel_shuffle(self.moves(torch.cat([y, x], 1)), self.patch)
        # q reads the answer and doesn't shape it: the field alone trains the recursion.
        return logits, self.q(y.detach().mean((2, 3))).squeeze(1)


class TRM(nn.Module):
    """x, y, z and one small net. `n` latent updates and one answer update make a cycle, `T` cycles a step."""

    def __init__(self, d: int = 32, patch: int = 2, n: int = 3, T: int = 2, layers: int = 2, channels: int = 4):
        super().__init__()
        self.d, self.patch, self.n, self.T = d, patch, n, T
        self.encode = Encode(channels, d, patch)
        self.net = nn.Sequential(*[Layer(d) for _ in range(layers)])
        self.decode = Decode(d, patch)
        # Fixed random starts, as in the paper: learned ones gave nothing.
        self.y_init = nn.Parameter(torch.randn(d, 1, 1) * 0.5, requires_grad=False)
        self.z_init = nn.Parameter(torch.randn(d, 1, 1) * 0.5, requires_grad=False)

    def kernels(self) -> list[Tensor]:
        """The weights that Muon trains."""
        return [p for p in self.net.parameters() if p.dim() == 4]

    def cycle(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        for _ in range(self.n):
            z = self.net(x + y + z)
        return self.net(y + z), z

    def step(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """One supervision step: `T` cycles, the gradient through the last alone."""
        with torch.no_grad():
            for _ in range(self.T - 1):
                y, z = self.cycle(x, y, z)
        return self.cycle(x, y, z)

    def forward(self, channels: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """-> (logits [B, 9, H, W], q [B], y, z)."""
        x = self.encode(channels)
        y, z = self.step(x, y, z)
        return *self.decode(y, x), y, z

    def start(self, batch: int, h: int, w: int) -> tuple[Tensor, Tensor]:
        """The first y and z, [batch, d, h, w] each."""
        shape = (batch, -1, h, w)
        return tuple(s.expand(*shape).clone(memory_format=torch.channels_last) for s in (self.y_init, self.z_init))


def shifted(state: Tensor, shift: tuple[int, int], fresh: Tensor) -> Tensor:
    """The state [d, h, w] of a window that moved by `shift` tokens; new tokens get `fresh` [d, 1, 1]."""
    d, h, w = state.shape
    out = fresh.expand(d, h, w).clone()
    r, c = shift
    out[:, max(0, -r) : h - max(0, r), max(0, -c) : w - max(0, c)] = state[
        :, max(0, r) : h - max(0, -r), max(0, c) : w - max(0, -c)
    ]
    return out
