"""The picture of a soak: what the node needed and how long its plans took, by time."""

import pathlib

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 1200, 230, 90, 30, 44, 34
PAPER, INK, FAINT = (255, 255, 255), (28, 34, 48), (210, 214, 220)
COLOURS = [(36, 110, 220), (214, 40, 80), (16, 122, 87), (230, 140, 0)]


def panels(result: dict) -> list[tuple[str, dict[str, tuple[list, list]]]]:
    """Title and curves of each: x in minutes, and y."""
    samples, minutes = result["samples"], result["minutes"]
    at = [sample["s"] / 60 for sample in samples]
    of = lambda key: (at, [sample[key] for sample in samples])  # noqa: E731
    middle = [minute["minute"] + 0.5 for minute in minutes]
    by = lambda key: (middle, [minute[key] for minute in minutes])  # noqa: E731
    return [("memory of the node, MB", {"RSS": of("rss_mb")}),
            ("what it holds", {name: of(name) for name in ("descriptors", "threads", "shm_files")}),
            ("latency by minute, ms", {"p50": by("p50_ms"), "p99": by("p99_ms"), "max": by("max_ms")}),
            ("by minute", {"misses": by("misses"), "refused as STALE_MAP": by("stale_map")}),
            ("the machine: busy CPUs and steal, %", {"busy": of("busy_percent"), "steal": of("steal_percent")})]


class Panel:
    def __init__(self, draw: ImageDraw.ImageDraw, top: int, end: float, low: float, high: float):
        self.draw, self.top, self.end, self.low, self.high = draw, top, max(end, 1e-9), low, high
        self.font = ImageFont.load_default(15)

    def place(self, x: float, y: float) -> tuple[float, float]:
        width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + width * x / self.end, self.top + TOP + height * (self.high - y) / (self.high - self.low)

    def frame(self, title: str) -> None:
        self.draw.text((LEFT, self.top + 8), title, INK, self.font)
        for share in (0.0, 0.5, 1.0):
            y = self.low + share * (self.high - self.low)
            self.draw.line([self.place(0, y), self.place(self.end, y)], FAINT)
            self.draw.text((LEFT - 8, self.place(0, y)[1]), f"{y:.4g}", INK, self.font, anchor="rm")
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            x, y = self.place(share * self.end, self.low)
            self.draw.text((x, y + 6), f"{share * self.end:.3g} min", INK, self.font, anchor="ma")

    def curve(self, number: int, name: str, xs: list, ys: list) -> None:
        colour = COLOURS[number % len(COLOURS)]
        points = [self.place(x, y) for x, y in zip(xs, ys)]
        if len(points) > 1:
            self.draw.line(points, colour, 2)
        self.draw.text((WIDTH - RIGHT - 180 * number, self.top + 8), name, colour, self.font, anchor="ra")


def draw(result: dict, file: pathlib.Path) -> None:
    shown = panels(result)
    image = Image.new("RGB", (WIDTH, HEIGHT * len(shown)), PAPER)
    canvas = ImageDraw.Draw(image)
    end = max((x for _, curves in shown for xs, _ in curves.values() for x in xs), default=1.0)
    for row, (title, curves) in enumerate(shown):
        ys = [y for _, values in curves.values() for y in values] or [0.0]
        low, high = (min(ys), max(ys)) if title.startswith("memory") else (0.0, max(ys))
        panel = Panel(canvas, row * HEIGHT, end, low, high if high > low else low + 1.0)
        panel.frame(title)
        for number, (name, (xs, values)) in enumerate(curves.items()):
            panel.curve(number, name, xs, values)
    image.save(file, optimize=True)
