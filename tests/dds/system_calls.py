"""What a run of the node asked of the system, as strace recorded it, and the rules that all of it has to obey.

A rule is a function of one call: it gives what is wrong with it, or nothing.
"""

import dataclasses
import ipaddress
import os
import pathlib
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator

# What the RMW may speak to on this machine: tracing, with which ROS is built, and the cache of users' names.
UNIX_SOCKETS = re.compile(r"(/var/run|/run)/(lttng/lttng-ust-sock-\d+|nscd/socket)|.*/\.lttng/lttng-ust-sock-\d+")
MULTICAST = "239.255.0.1"

OPENING = ("open", "openat", "openat2", "creat")
# Calls that change a file by its name, and which of their texts are names.
CHANGES = {"unlink": 1, "unlinkat": 1, "mkdir": 1, "mkdirat": 1, "rmdir": 1, "truncate": 1, "chmod": 1, "fchmodat": 1,
           "chown": 1, "lchown": 1, "fchownat": 1, "utimensat": 1, "mknod": 1, "mknodat": 1, "setxattr": 1,
           "rename": 2, "renameat": 2, "renameat2": 2, "link": 2, "linkat": 2, "symlink": 2, "symlinkat": 2}


@dataclasses.dataclass(frozen=True)
class Call:
    name: str
    # Up to where another thread's call interrupts the line: what goes in is there.
    rest: str
    line: str

    @property
    def texts(self) -> list[str]:
        return re.findall(r'"((?:[^"\\]|\\.)*)"', self.rest)


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """The calls of `strace -f -y`, in their order. A resumed line says only what came out."""
    for line in lines:
        found = re.match(r"(?:\[pid +)?\d*\]? *(\w+)\((.*)", line)
        if found:
            yield Call(found[1], found[2], line.strip())


def is_own(address: str) -> bool:
    """Whether the address is one of this machine's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


@dataclasses.dataclass
class Rules:
    """What the node may do in a DDS domain, with these folders to write to."""

    domain: int
    folders: list[pathlib.Path]
    # Discovery beyond this machine.
    multicast: bool = False

    @property
    def all(self) -> dict[str, Callable[[Call], str | None]]:
        return {"sockets are UDP, local, or ask for the interfaces": self.socket,
                "packets go to the DDS ports of the domain": self.address,
                "no program is started": self.program,
                "files are changed in the folders that are for it": self.write,
                "no memory is both written and executed": self.memory}

    def broken(self, lines: Iterable[str]) -> list[str]:
        """Every call that breaks a rule, with the rule and what is wrong."""
        wrong = []
        for number, call in enumerate(calls(lines)):
            if number == 0 and call.name == "execve":
                continue  # the node itself
            for rule, check in self.all.items():
                if (reason := check(call)) is not None:
                    wrong.append(f"{rule}: {reason}: {call.line}")
        return wrong

    # --- The rules ---

    def socket(self, call: Call) -> str | None:
        if call.name in ("listen", "accept", "accept4"):
            return "nobody may connect to the node"
        if call.name not in ("socket", "socketpair"):
            return None
        family, kind, protocol = [*call.rest.split(", "), "", ""][:3]
        allowed = (family == "AF_UNIX"
                   or family in ("AF_INET", "AF_INET6") and kind.startswith("SOCK_DGRAM")
                   or family == "AF_NETLINK" and protocol.startswith("NETLINK_ROUTE"))
        return None if allowed else f"{family} {kind}"

    def address(self, call: Call) -> str | None:
        if call.name not in ("connect", "bind", "sendto", "sendmsg", "sendmmsg"):
            return None
        for address in re.findall(r"\{(sa_family=.*?)\}", call.rest):
            if (reason := self.destination(address, call.name == "bind")) is not None:
                return reason
        return None

    def destination(self, address: str, is_bind: bool) -> str | None:
        family = address.removeprefix("sa_family=").split(",")[0]
        if family == "AF_NETLINK":
            return None if "nl_pid=0" in address else "not the kernel"
        if family == "AF_UNIX":
            path = re.search(r'sun_path=@?"(.*?)"', address)
            known = path and (is_bind and not path[1] or UNIX_SOCKETS.fullmatch(path[1]))
            return None if known else "a socket of a program that is not listed"
        host = re.search(r'inet_addr\("(.*?)"\)|inet_pton\(AF_INET6, "(.*?)"', address)
        port = re.search(r"port=htons\((\d+)\)", address)
        if family not in ("AF_INET", "AF_INET6") or not host or not port:
            return f"an address of {family}"
        name, number = host[1] or host[2], int(port[1])
        if is_bind:
            # Of what it sends from, the system chooses the port.
            return None if number == 0 or self.is_port(number) else f"port {number}"
        if not self.is_port(number):
            return f"port {number}"
        if name == MULTICAST:
            return None if self.multicast else "multicast, though discovery is for this machine alone"
        if ipaddress.ip_address(name).is_multicast or not is_own(name):
            return f"{name} is not this machine"
        return None

    def is_port(self, port: int) -> bool:
        """Of the domain, as RTPS counts them; or Fast DDS's own for endpoints, from 7000 on."""
        first = 7400 + 250 * self.domain
        return first <= port < first + 250 or 7000 <= port < 7400

    def program(self, call: Call) -> str | None:
        if call.name in ("execve", "execveat", "fork", "vfork"):
            return call.name
        if call.name in ("clone", "clone3") and "CLONE_THREAD" not in call.rest:
            return "a process"
        return None

    def write(self, call: Call) -> str | None:
        if call.name in OPENING and (call.name == "creat" or re.search("O_(WRONLY|RDWR|CREAT|TRUNC)", call.rest)):
            return self.outside(call, call.texts[:1])
        if call.name in CHANGES:
            return self.outside(call, call.texts[:CHANGES[call.name]])
        return None

    def outside(self, call: Call, names: list[str]) -> str | None:
        folder = re.match(r"AT_FDCWD<(.*?)>|\d+<(.*?)>", call.rest)
        base = (folder[1] or folder[2]) if folder else "/"
        for name in names:
            path = pathlib.Path(os.path.normpath(os.path.join(base, name)))
            if path != pathlib.Path("/dev/null") and not any(path.is_relative_to(f) for f in self.folders):
                return str(path)
        return None

    def memory(self, call: Call) -> str | None:
        executable = "PROT_EXEC" in call.rest
        if call.name == "mmap" and executable and "PROT_WRITE" in call.rest:
            return "written and executed"
        if call.name in ("mprotect", "pkey_mprotect") and executable:
            return "executed after it was written"
        return None


# --- The unit's filter of system calls ---


def groups() -> dict[str, list[str]] | None:
    """systemd's groups of system calls; nothing where there is no systemd."""
    if not shutil.which("systemd-analyze"):
        return None
    listed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True)
    found: dict[str, list[str]] = {}
    for line in listed.stdout.splitlines():
        if line.startswith("@"):
            found[line.strip()] = members = []
        elif line.startswith("    ") and not line.strip().startswith("#"):
            members.append(line.strip())
    return found or None


def allowed_by(unit: str, of: dict[str, list[str]]) -> set[str]:
    """The system calls that a unit's lines SystemCallFilter= leave, of a list that begins by allowing."""
    def expand(name: str) -> set[str]:
        return set().union(*(expand(n) for n in of[name])) if name.startswith("@") else {name}

    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        named = set().union(*(expand(n) for n in line.removeprefix("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed
