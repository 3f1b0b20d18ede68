"""A run's log as a picture: `python -m trm_train.curves runs/<bundle>` writes curves.png beside log.csv."""

import argparse
import csv
from pathlib import Path

from matplotlib.figure import Figure

PANELS = (("loss", "loss of the field"), ("right", "share of right cells"), ("q_loss", "loss of the halting logit"), ("rest", "change of settled states"))


def read(log: Path) -> list[dict[str, float]]:
    with log.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def draw(log: Path) -> Path | None:
    """-> the picture; `None` when nothing is logged yet."""
    rows = read(log) if log.exists() else []
    if not rows:
        return None
    stages = sorted({row["stage"] for row in rows})
    figure = Figure(figsize=(8, 8), layout="constrained")
    panels = figure.subplots(len(PANELS), sharex=True)
    for panel, (column, title) in zip(panels, PANELS, strict=True):
        for stage in stages:
            part = [row for row in rows if row["stage"] == stage]
            panel.plot([row["seconds"] / 3600 for row in part], [row[column] for row in part], label=f"stage {stage:.0f}")
        panel.set_title(title)
        panel.grid(alpha=0.3)
    panels[0].legend()
    panels[-1].set_xlabel("core-hours")
    picture = log.with_name("curves.png")
    figure.savefig(picture, dpi=100)
    return picture


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("run", type=Path, help="folder of a run")
    args = args.parse_args()
    print(draw(args.run / "log.csv") or "nothing is logged yet")


if __name__ == "__main__":
    main()
