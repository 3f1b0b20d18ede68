"""What a process holds: memory, descriptors, threads, shared memory; by /proc, proc(5)."""

import os
import pathlib

from usage import fields

SHARED = "/dev/shm/"


def shared_files(folder: pathlib.Path) -> set[str]:
    """The files in /dev/shm that the process has mapped or open: its own, and those of peers that it talks to."""
    mapped = {line.split(maxsplit=5)[5] for line in (folder / "maps").read_text().splitlines() if SHARED in line}
    for descriptor in (folder / "fd").iterdir():
        try:
            mapped.add(os.readlink(descriptor))
        except OSError:
            continue  # It was closed meanwhile.
    return {name for name in mapped if name.startswith(SHARED)}


def sample(pid: int) -> dict:
    folder = pathlib.Path("/proc") / str(pid)
    status = fields((folder / "status").read_text())
    mb = lambda key: round(int(status[key].split()[0]) / 1024, 3)  # noqa: E731
    shared = shared_files(folder)
    return {"rss_mb": mb("VmRSS"), "rss_peak_mb": mb("VmHWM"), "anonymous_mb": mb("RssAnon"), "file_mb": mb("RssFile"),
            "shared_mb": mb("RssShmem"), "descriptors": len(os.listdir(folder / "fd")),
            "threads": int(status["Threads"]), "shm_files": len(shared),
            "shm_deleted": sum(name.endswith(" (deleted)") for name in shared)}


def memory_by_name(pid: int) -> dict[str, float]:
    """RSS of the mappings by file, in MB; those without a file by kind."""
    sizes: dict[str, float] = {}
    name = ""
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = line.split(maxsplit=5)
        if "-" in head[0] and not head[0].endswith(":"):
            name = pathlib.Path(head[5]).name if len(head) > 5 else "anonymous"
            name = "shared memory" if len(head) > 5 and head[5].startswith(SHARED) else name
        elif head[0] == "Rss:":
            sizes[name] = sizes.get(name, 0.0) + int(head[1]) / 1024
    largest = sorted(sizes.items(), key=lambda item: -item[1])
    rest = ("others", sum(size for _, size in largest[12:]))
    return {name: round(size, 3) for name, size in [*largest[:12], rest]}
