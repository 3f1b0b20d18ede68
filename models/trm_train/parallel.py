"""One training in several processes, as `torchrun` starts them: each with its own share of every batch, all with the same
weights.

The gradients are averaged by PyTorch's `DistributedDataParallel`. A loss that is a mean over cells is made one over the
cells of all processes (`mean`), so that the number of processes changes nothing but the order of sums.
"""

import os

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def begin(device: str) -> torch.device:
    """Joins the other processes, if `torchrun` started any. -> this process's device, for `cpu` or `cuda`."""
    here = torch.device(device, int(os.environ.get("LOCAL_RANK", 0))) if device == "cuda" else torch.device(device)
    if here.type == "cuda":
        torch.cuda.set_device(here)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        dist.init_process_group("nccl" if here.type == "cuda" else "gloo")
    return here


def end() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def processes() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Number of this process, from 0 on: the first writes the checkpoint and the log."""
    return dist.get_rank() if dist.is_initialized() else 0


def share(batch: int) -> int:
    """This process's samples of a batch."""
    if batch % processes():
        raise ValueError(f"stages.windows: a batch of {batch} can't be shared evenly by {processes()} processes")
    return batch // processes()


def wrapped(model: nn.Module) -> nn.Module:
    """The model, with gradients that are averaged over the processes."""
    return DistributedDataParallel(model, forward_sync_buffers=False) if dist.is_initialized() else model


def mean(value: Tensor) -> Tensor:
    """The mean over the processes. No gradient goes through it."""
    if not dist.is_initialized():
        return value.detach()
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / processes()
