"""The networks, by what a config's `task` trains them on."""

from torch import nn

from .model import TRM
from .official import Official

NETWORKS: dict[str, type[nn.Module]] = {"field": TRM, "mazes": Official}


def task_of(config: dict) -> str:
    """`field` for the convolutional TRM, `mazes` for TRM-Att and TRM-MLP."""
    task = config.get("task", "field")
    if task not in NETWORKS:
        raise ValueError(f"task: {task!r} is not one of {', '.join(NETWORKS)}")
    return task
