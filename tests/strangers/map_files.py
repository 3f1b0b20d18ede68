"""Map files, cell by cell, and the refused ones. The judge follows the map server's rules (Nav2's, of Jazzy) with
PyYAML, whose plainest loader leaves scalars as text as the map server's library does, and with Pillow.

It is stricter than the map server, as the README says: images are PGM, PNG or BMP; a resolution is positive, thresholds
are in order, and what is there twice (a field, a document) is ambiguous.
"""

import io
import math
import pathlib
from collections.abc import Iterator

import numpy as np
import yaml
from PIL import Image

from bench import Bench
from case import Case
from raw_map import FREE, OCCUPIED, UNKNOWN, Map, shades_of, states

SHADES = np.array([[0, 254, 205, 100], [254, 0, 150, 255]], np.uint8)
FIELDS = {"image": "map.pgm", "resolution": "0.5", "origin": "[1.0, 2.0, 0.0]", "negate": "0",
          "occupied_thresh": "0.65", "free_thresh": "0.25"}
LETTERS = {FREE: ".", OCCUPIED: "#", UNKNOWN: "?"}
TRUE = {name for word in ("y", "yes", "true", "on") for name in (word, word.capitalize(), word.upper())}
FALSE = {name for word in ("n", "no", "false", "off") for name in (word, word.capitalize(), word.upper())}


class Refused(Exception):
    """The judge's."""


# --- The judge ---

def number(text, what: str) -> float:
    if not isinstance(text, str):
        raise Refused(what)
    try:
        value = float(text.lower().replace(".nan", "nan").replace(".inf", "inf"))
    except ValueError as error:
        raise Refused(what) from error
    if not math.isfinite(value):
        raise Refused(what)
    return value


def negated(text) -> bool:
    if not isinstance(text, str):
        raise Refused("negate")
    if text in TRUE | FALSE:
        return text in TRUE
    try:
        return int(text) != 0
    except ValueError as error:
        raise Refused("negate") from error


def fields_of(content: bytes) -> dict:
    try:
        node = yaml.compose(content, Loader=yaml.BaseLoader)
        info = yaml.load(content, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused("not YAML") from error
    if not isinstance(info, dict):
        raise Refused("no map of fields")
    keys = [key.value for key, _ in node.value]
    if any(keys.count(field) > 1 for field in (*FIELDS, "mode")) or any(field not in info for field in FIELDS):
        raise Refused("fields missing or twice")
    return info


def by_map_server(file: pathlib.Path) -> Map:
    info = fields_of(file.read_bytes())
    resolution = np.float32(number(info["resolution"], "resolution"))
    low, high = (number(info[name], name) for name in ("free_thresh", "occupied_thresh"))
    mode = info.get("mode", "trinary")
    if (not 0 < resolution < np.inf or not 0 <= low <= high <= 1 or not isinstance(mode, str)
            or mode.lower() not in ("trinary", "scale", "raw")):
        raise Refused("a value")
    if not isinstance(info["origin"], list) or len(info["origin"]) != 3:
        raise Refused("origin")
    origin = tuple(number(value, "origin") for value in info["origin"])
    if not isinstance(info["image"], str) or not info["image"]:
        raise Refused("image")
    try:
        image = Image.open(file.parent / info["image"], formats=("PPM", "PNG", "BMP"))
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise Refused("image") from error
    state = states(*shades_of(image), mode.lower(), negated(info["negate"]), low, high)
    return Map(file, state[::-1].copy(), float(str(resolution)), origin)


# --- The command ---

def by_command(bench: Bench, file: pathlib.Path, like: Map | None) -> str:
    """Each cell: whether a robot without a radius can be there, and whether only where unknown cells are allowed."""
    if like is None:
        answer = bench.command("plan", file, "--start", 0, 0, "--goal", 0, 0)
        named = answer.returncode == 1 and file.name in answer.stderr and "panicked" not in answer.stderr
        return "refused" if named else f"exit code {answer.returncode}: {answer.stderr}"
    rows, cols = like.state.shape
    points = [like.to_metres(col + 0.5, row + 0.5) for row in range(rows) for col in range(cols)]
    queries = file.parent / "queries"
    queries.write_text("".join(f"{x} {y} {x} {y}\n" for x, y in points))
    free = []
    for more in ([], ["--allow-unknown"]):
        answer = bench.command("plan", file, "--queries", queries, "--robot-radius", 0,
                               "--deadline-ms", 1000, *more)
        if answer.returncode != 0:
            return f"exit code {answer.returncode}: {answer.stderr.strip()}"
        free.append(['"status":"SUCCEEDED"' in line for line in answer.stdout.splitlines()])
    letters = ["." if known else "?" if allowed else "#" for known, allowed in zip(*free)]
    return "/".join("".join(letters[row * cols:(row + 1) * cols]) for row in range(rows))


# --- What is tried ---

def text(**changes) -> bytes:
    """A YAML file with other fields; `None` leaves one out."""
    fields = {**FIELDS, **changes}
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None).encode()


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey() -> Image.Image:
    return Image.fromarray(SHADES)


def coloured() -> Image.Image:
    colours = np.stack([SHADES, SHADES[::-1], np.full_like(SHADES, 30)], axis=2)
    return Image.fromarray(colours)


def with_alpha() -> Image.Image:
    image = grey().convert("RGBA")
    image.putalpha(Image.fromarray(np.array([[255, 254, 255, 0], [255, 255, 128, 255]], np.uint8)))
    return image


def plain(kind: str = "P2", between: str = " ") -> bytes:
    return f"{kind}\n4 2\n255\n".encode() + between.join(str(v) for v in SHADES.ravel()).encode() + b"\n"


def images() -> Iterator[tuple[str, str, bytes]]:
    pgm = saved(grey(), "PPM")
    yield "own", "P5", pgm
    yield "own", "P2", plain()
    yield "own", "P2 with comments in its header", plain().replace(b"P2\n", b"P2\n# CREATOR: map_saver 0.050 m/pix\n")
    yield "own", "P2 with comments between its pixels", plain(between=" # a pixel\n")
    yield "own", "P5 with a comment as GIMP writes it", pgm.replace(b"P5\n", b"P5\n# Created by GIMP\n", 1)
    yield "own", "P5 whose greatest value is 100", b"P5\n4 2\n100\n" + bytes([0, 100, 80, 40, 100, 0, 60, 99])
    wide = (SHADES.astype(">u2") * 257).tobytes()
    yield "own", "P5 of 16 bits", b"P5\n4 2\n65535\n" + wide
    yield "own", "P6", saved(coloured(), "PPM")
    yield "own", "P4", saved(grey().convert("1", dither=0), "PPM")
    yield "own", "P5 that ends early", pgm[:-3]
    for name, image in (("L", grey()), ("RGB", coloured()), ("RGBA", with_alpha()), ("LA", with_alpha().convert("LA")),
                        ("P", grey().convert("P")), ("1", grey().convert("1", dither=0))):
        yield "stdr_simulator#161" if name == "RGBA" else "own", f"PNG {name}", saved(image, "PNG")
    for name, image in (("L", grey()), ("RGB", coloured()), ("1", grey().convert("1", dither=0))):
        yield "own", f"BMP {name}", saved(image, "BMP")
    for kind in ("JPEG", "TIFF", "GIF", "WEBP"):
        yield "own", kind, saved(grey(), kind)
    yield "own", "an empty file", b""
    yield "own", "text", b"no image\n"


def fields() -> Iterator[tuple[str, str, bytes]]:
    for value in ("0", "1", "2", "-1", "true", "false", "yes", "Off", "'1'", "0.0", "0.5", "maybe", "[0]", None):
        yield "own", f"negate: {value}", text(negate=value)
    for value in ("trinary", "scale", "raw", "Scale", "RAW", "quaternary", "[raw]"):
        yield "own", f"mode: {value}", text(mode=value)
    for value in ("'0.5'", "5e-1", ".5", "0.5 # m", "0", "-0.5", ".nan", ".inf", "half", "'0,5'", "1e-60", None):
        yield "own", f"resolution: {value}", text(resolution=value)
    for value in ("[1, 2, 1.5707963]", "[-3.5, 2e1, -0.3]", "['1', '2', '0']", "[1, 2]", "[1, 2, 0, 0]", "[1, .inf, 0]",
                  "1", "[1, 2, east]"):
        yield "own", f"origin: {value}", text(origin=value)
    yield "navigation#993", "origin: [0.0, 0.0, -nan]", text(origin="[0.0, 0.0, -nan]")
    for high, low in (("'0.65'", "'0.25'"), ("0.5", "0.5"), ("1", "0"), ("0.2", "0.6"), ("1.5", "0.25"),
                      ("0.65", "-0.1"), ("65", "25"), (None, "0.25"), ("0.65", None)):
        yield "own", f"thresholds {high}, {low}", text(occupied_thresh=high, free_thresh=low)


def files() -> Iterator[tuple[str, str, bytes]]:
    good = text()
    yield "own", "a byte order mark", b"\xef\xbb\xbf" + good
    yield "own", "UTF-16", good.decode().encode("utf-16")
    yield "own", "lines that end as on Windows", good.replace(b"\n", b"\r\n")
    yield "own", "a comment in UTF-8", "# Büro\n".encode() + good
    yield "own", "a comment in Latin-1", "# Büro\n".encode("latin-1") + good
    yield "own", "marks around one document", b"%YAML 1.1\n---\n" + good + b"...\n"
    yield "own", "two documents", good + b"---\n" + good
    yield "own", "a field twice", good + b"resolution: 0.1\n"
    yield "own", "a field that isn't known", good + b"author: somebody\n"
    yield "own", "braces", b"{" + good.replace(b"\n", b", ") + b"}"
    yield "own", "a list", b"- image: map.pgm\n"
    yield "own", "nothing in it", b""
    yield "own", "a bracket that isn't closed", good + b"more: [\n"
    yield "own", "the image in its place", saved(grey(), "PPM")


NAMES = [("own", "2024"), ("own", "007"), ("own", "true"), ("own", "1e3"), ("own", "'a map.pgm'"),
         ("own", "sub/map.pgm"), ("own", "''"), ("own", "[map.pgm]"), ("own", None), ("own", "gone.pgm"),
         ("turtlebot3#384", "~/map.pgm"), ("own", "büro.pgm")]


def cases(bench: Bench, every: int = 1) -> Iterator[Case]:
    """All of them, or each so-many-th."""
    pgm = saved(grey(), "PPM")
    tried = [(id, f"image: {what}", text(), "map.pgm", content) for id, what, content in images()]
    tried += [(id, what, content, "map.pgm", pgm) for id, what, content in [*fields(), *files()]]
    for id, name in NAMES:
        there = (name or "map.pgm").strip("'[]")
        there = "map.pgm" if there.startswith(("gone", "~")) or not there else there
        tried.append((id, f"an image of the name {name}", text(image=name), there, pgm))
    for id, what, content, name, image in tried[::every]:
        folder = bench.folder()
        (folder / "sub").mkdir()
        (folder / name).write_bytes(image)
        file = folder / "map.yaml"
        file.write_bytes(content)
        try:
            judged = by_map_server(file)
        except Refused:
            judged = None
        letters = lambda row: "".join(LETTERS[int(state)] for state in row)  # noqa: E731
        expected = "refused" if judged is None else "/".join(letters(row) for row in judged.state)
        yield Case(id, f"map file, {what}", expected, by_command(bench, file, judged))
