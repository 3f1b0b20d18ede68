"""Training in two processes, as `torchrun` starts them, is that in one: over gloo, on the processor."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from trm_train import parallel

BATCH, STEPS = 4, 3
FIELD = {
    "model": {"d": 8, "patch": 2, "n": 1, "T": 2, "layers": 1, "channels": 5},
    "train_maps": [],
    "stages": [
        {"windows": [[16, BATCH, 1.0]], "iterations": STEPS, "learning_rate": 1e-2, "reach": 4, "steps": 9}
        | {"warm": 0.0, "warm_steps": 2, "real": 0.0, "inside": 0.5, "soft": 0.5, "closed": 0.5}
    ],
}
MAZES = {
    "task": "mazes",
    "model": {"d": 16, "side": 8, "heads": 2, "layers": 1, "n": 1, "T": 2, "prefix": 2, "inner": 16},
    "stages": [
        {
            "windows": [[8, BATCH, 1.0]],
            "iterations": STEPS,
            "learning_rate": 1e-2,
            "steps": 9,
            "kinds": ["noise"],
            "apart": 3,
        }
    ],
}
# Each process draws the whole batch and keeps its own share of it, so that all processes together see what one sees.
SCRIPT = """
import sys
from pathlib import Path
import numpy as np
import torch
import yaml
from trm_train import parallel, train

config = yaml.safe_load(Path(sys.argv[1]).read_text())
torch.set_num_threads(1)
# Muon blows up the rounding errors of small gradients; those of 64 bits stay small.
torch.set_default_dtype(torch.float64)
device = parallel.begin("cpu")
torch.manual_seed(1)
run = train.Run(config, Path(sys.argv[2]), device)
stage, kind = config["stages"][0], train.SLOTS[train.task_of(config)]
(size, batch, _), = stage["windows"]
slots = kind(run.model, kind.source(config, stage, size, 1), batch, stage, np.random.default_rng(1))
own = slice(parallel.rank(), None, parallel.processes())
for name, value in vars(slots).items():
    if isinstance(value, torch.Tensor):
        setattr(slots, name, value[own].clone())
assert len(slots.y) == parallel.share(batch)
step = parallel.wrapped(run.model)
figures = [train.train_batch(run, step, slots, stage["learning_rate"]).tolist() for _ in range(stage["iterations"])]
run.save(1, 0)
if parallel.rank() == 0:
    Path(sys.argv[2], "figures.yaml").write_text(yaml.safe_dump(figures))
parallel.end()
"""


def trained(folder: Path, config: dict, processes: int) -> tuple[dict, list]:
    """The weights after some steps, and their figures."""
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "script.py").write_text(SCRIPT)
    run = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
    command = [sys.executable, *run, str(folder / "script.py"), str(folder / "config.yaml"), str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    saved = torch.load(folder / "checkpoint.pt", weights_only=True)
    return saved, yaml.safe_load((folder / "figures.yaml").read_text())


@pytest.mark.parametrize("config", [FIELD, MAZES], ids=["field", "mazes"])
def test_two_processes_learn_what_one_does(tmp_path, config):
    (one, figures), (two, other) = (trained(tmp_path / str(count), config, count) for count in (1, 2))
    for part in ("model", "ema"):
        for name, value in one[part].items():
            torch.testing.assert_close(
                two[part][name], value, atol=1e-5, rtol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
            )
    # The loss is over the cells of all processes. (The share of right cells is a mean of means.)
    for (loss, _, q, _), (loss_of_two, _, q_of_two, _) in zip(figures, other, strict=True):
        assert (loss_of_two, q_of_two) == (pytest.approx(loss, rel=1e-4), pytest.approx(q, rel=1e-4))


def test_a_batch_that_cant_be_shared_is_named(monkeypatch):
    monkeypatch.setattr(parallel, "processes", lambda: 3)
    with pytest.raises(ValueError, match="stages.windows: a batch of 16 can't be shared evenly by 3 processes"):
        parallel.share(16)
    assert parallel.share(15) == 5
