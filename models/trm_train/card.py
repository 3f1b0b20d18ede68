"""The figures of a bundle as Markdown tables, for its card and for the terminal."""

from pathlib import Path

BEGIN, END = "<!-- figures: written by trm_train.export -->", "<!-- end of figures -->"
SHOWN = (1, 2, 3, 4, 6, 8, 12, 16)
"""Steps that the tables show."""


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def share(row: dict) -> str:
    return f"{row['arrived']:.3f} ({row['ci95'][0]:.3f}–{row['ci95'][1]:.3f})"


def costs(row: dict) -> list[str]:
    return [f"{row[key]:.3f}" if row[key] is not None else "–" for key in ("cost_ratio_mean", "cost_ratio_p95")]


def tables(evaluation: dict) -> str:
    """Cold starts by step, kinds of worlds, warm starts."""
    by_step = [
        [name, str(rows[0]["n"]), *(share(rows[k - 1]) if k <= len(rows) else "" for k in SHOWN), *costs(rows[-1])]
        for name, rows in evaluation["cold"].items()
    ]
    kinds = [[name, str(row["n"]), share(row), *costs(row)] for name, row in evaluation["kinds"].items()]
    warm = [[name, str(rows[0]["n"]), *map(share, rows)] for name, rows in evaluation["warm"].items()]
    return "\n\n".join(
        [
            "Share of starts whose roll-out reaches the goal (or leaves the window where it should), by step; cost over "
            "the optimum after the last step. In brackets: 95 % Wilson intervals.",
            table(["worlds, window", "n", *(f"step {k}" for k in SHOWN), "cost mean", "cost p95"], by_step),
            "Generated worlds by kind, windows of 64 cells, after the last step:",
            table(["kind", "n", "arrived", "cost mean", "cost p95"], kinds),
            "Windows of 32 cells of real maps after the window moved by up to 3 tokens, or after obstacles appeared, "
            "going on from the old state (warm) and from nothing (cold):",
            table(["change", "n", *(f"step {k}" for k in (1, 2, 3))], warm),
        ]
    )


def update(card: Path, evaluation: dict) -> None:
    """Writes the tables between the card's two marks."""
    text = card.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    card.write_text(f"{before}{BEGIN}\n\n{tables(evaluation)}\n\n{END}{after}")
