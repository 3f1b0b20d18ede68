"""Stops one thread of another process, with ptrace, as if it hung."""

import contextlib
import ctypes
import os
import pathlib

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # waitpid's: any thread, not only children

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, thread: int) -> None:
    if _libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of thread {thread}")


def thread_of(pid: int, name: str) -> int:
    threads = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return next(int(thread.name) for thread in threads if (thread / "comm").read_text().strip() == name)


@contextlib.contextmanager
def stopped(pid: int, name: str):
    """While this lasts, the process's thread of this name does nothing."""
    thread = thread_of(pid, name)
    _ptrace(SEIZE, thread)
    try:
        _ptrace(INTERRUPT, thread)
        os.waitpid(thread, WALL)
        yield
    finally:
        _ptrace(DETACH, thread)
