"""The progressive target: after step k the field is known within k * reach cells of the goal."""

import torch
import torch.nn.functional as F
from torch import Tensor

from . import parallel
from .model import CLASSES, NONE

BAND = 4.0
"""Cells beyond the radius in which neither answer is asked for."""
FAR_WEIGHT = 0.1


def field_loss(logits: Tensor, labels: Tensor, arrival: Tensor, free: Tensor, radius: Tensor) -> Tensor:
    """Mean negative log of the probability given to any optimal move, over the cells of all processes.

    logits [B, 9, H, W]; labels [B, H, W] bit k for move k, bit 8 for none; arrival [B, H, W] in cells;
    free [B, H, W]; radius [B] in cells, inf for "the whole field".
    """
    near = (arrival <= radius[:, None, None]) & torch.isfinite(arrival) & free
    far = free & ((arrival > radius[:, None, None] + BAND) | ~torch.isfinite(arrival))
    right = (
        (labels[:, None] >> torch.arange(CLASSES, dtype=labels.dtype, device=labels.device)[None, :, None, None]) & 1
    ).bool()
    none = torch.zeros_like(right)
    none[:, NONE] = True
    right = torch.where(near[:, None], right, none)
    log_p = F.log_softmax(logits, 1)
    nll = -torch.logsumexp(log_p.masked_fill(~right, -1e9), 1)
    weight = near.float() + FAR_WEIGHT * far.float()
    return (nll * weight).sum() / parallel.mean(weight.sum()).clamp(min=1)


def right_cells(logits: Tensor, labels: Tensor) -> Tensor:
    """Where the most probable class is one of the optimal ones, [B, H, W]."""
    return ((labels >> logits.argmax(1)) & 1).bool()


def rest_loss(before: tuple[Tensor, ...], after: tuple[Tensor, ...], settled: Tensor) -> Tensor:
    """Mean square of what a step changes of the states [B, d, h, w], over the tokens whose cells have all settled
    [B, H, W] and the processes: an answer that is right is to be a fixed point of the recursion, as path-independent
    networks have them (arXiv 2211.09961)."""
    patch = settled.shape[1] // before[0].shape[2]
    tokens = -F.max_pool2d(-settled[:, None].float(), patch)
    changed = sum((new - old.detach()).square().mean(1, keepdim=True) for old, new in zip(before, after, strict=True))
    return (changed * tokens).sum() / parallel.mean(tokens.sum()).clamp(min=1)


def q_loss(q: Tensor, logits: Tensor, labels: Tensor, cost: Tensor) -> Tensor:
    """q [B] predicts whether at least 99 % of the cells that reach the goal are right."""
    reach = torch.isfinite(cost)
    share = (right_cells(logits.detach(), labels) & reach).sum((1, 2)) / reach.sum((1, 2)).clamp(min=1)
    return F.binary_cross_entropy_with_logits(q, (share >= 0.99).float())
