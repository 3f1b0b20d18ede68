"""The node with few privileges: in a sandbox as deploy/ makes it, and held to what it may ask of the system.

Sandboxes are made with bubblewrap, calls are recorded with strace. Where these are missing or forbidden, tests that
need them are skipped; the rules themselves are tested everywhere.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

import worlds
from skips import needs, needs_strace
from process import BINARY, ROOT, NodeProcess
from system_calls import Rules, allowed_by, calls, groups

START, GOAL = (1.0, 1.0, 0.0), (3.2, 1.5, 0.5)
NOBODY = 65534
UNIT = (ROOT / "deploy/trm_node.service").read_text()
# Root has no capability without these; an ordinary user has none anyway.
DROP = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
# As the unit sets them.
LIMITS = ["prlimit", *(f"--{name.lower()}={value.replace('infinity', 'unlimited')}"
                       for name, value in re.findall(r"^Limit(RTPRIO|MEMLOCK)=(\S+)$", UNIT, re.MULTILINE))]
# The rules know Fast DDS.
fast_dds = pytest.mark.skipif(os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp") != "rmw_fastrtps_cpp",
                              reason="another RMW than Fast DDS")


needs_sandbox = needs(["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "true"], "bubblewrap")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


# --- The sandbox ---


def sandbox(log: pathlib.Path, writable_log: bool = True, shared_memory: bool = False) -> list[str]:
    """A command line that starts a program without capabilities, where it can write to `log` and /tmp alone.

    A program sees the system's folders, ROS, this repository, and what it is itself.
    """
    found = [pathlib.Path(p) for name in ("AMENT_PREFIX_PATH", "LD_LIBRARY_PATH")
             for p in os.environ.get(name, "").split(":") if p]
    seen = ["/usr", "/bin", "/lib", "/lib64", "/etc", "/opt", "/sys", *found, ROOT, BINARY.parent,
            # Where the program itself looks for libraries.
            *(p for p in (BINARY.parent / "../../.ros", ROOT / ".ros") if p.exists())]
    command = ["bwrap", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    seen = [pathlib.Path(path) for path in dict.fromkeys(os.path.normpath(path) for path in seen)]
    # Every user may pass through these, whatever they are outside.
    for folder in dict.fromkeys(parent for path in [*seen, log] for parent in reversed(path.parents[:-1])):
        command += ["--dir", str(folder)]
    for path in seen:
        command += ["--ro-bind-try", str(path), str(path)]
    command += ["--bind" if writable_log else "--ro-bind", str(log), str(log)]
    if shared_memory:
        command += ["--bind", "/dev/shm", "/dev/shm"]
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--setenv", "ROS_LOG_DIR", str(log)]


def same_user(log: pathlib.Path, **options) -> list[str]:
    """The user who runs this, with the shared memory of the others."""
    return [*sandbox(log, shared_memory=True, **options), "--", *(DROP if os.geteuid() == 0 else [])]


def another_user(log: pathlib.Path, **options) -> list[str]:
    """A user that nothing belongs to, as systemd's DynamicUser makes one; with the limits that the unit sets."""
    os.chown(log, NOBODY, NOBODY)
    return [*(LIMITS if may_raise_limits() else []), *sandbox(log, **options), "--", *DROP,
            f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def may_raise_limits() -> bool:
    return subprocess.run([*LIMITS, "true"], capture_output=True).returncode == 0


BUNDLE = ["-p", f"bundle:={ROOT}/models/bundles/nav_d32"]


def status(node: NodeProcess) -> dict[str, str]:
    lines = pathlib.Path(f"/proc/{node.pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def writable(node: NodeProcess) -> set[str]:
    """The mount points below which the node could write if the files' owners let it."""
    mounts = [line.split() for line in pathlib.Path(f"/proc/{node.pid}/mountinfo").read_text().splitlines()]
    return {fields[4] for fields in mounts if "ro" not in fields[5].split(",")}


def check_privileges(node: NodeProcess, log: pathlib.Path, also: set[str]) -> None:
    held = status(node)
    kinds = ["Inh", "Prm", "Eff", "Amb", *(["Bnd"] if os.geteuid() == 0 else [])]
    assert {kind: held[f"Cap{kind}"] for kind in kinds} == {kind: "0" * 16 for kind in kinds}
    assert held["NoNewPrivs"] == "1"
    # Each device of bubblewrap's /dev is a mount of its own.
    devices = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "pts", "console")}
    assert writable(node) - devices == {"/tmp", "/proc", str(log)} | also
    assert [file.suffix for file in log.iterdir()] == [".log"], "the node's log is where ROS_LOG_DIR says"


@fast_dds
@needs_sandbox
def test_the_node_plans_without_privileges_on_a_read_only_file_system(start, tmp_path):
    node, peer = start(arguments=BUNDLE, under=same_user(tmp_path))
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 5)
    check_privileges(node, tmp_path, {"/dev/shm"})
    assert node.stop() == 0, node.log


@fast_dds
@needs_sandbox
@needs_root
def test_as_another_user_it_plans_over_udp_and_the_limits_alone_give_it_real_time(start, tmp_path):
    """Fast DDS's shared memory is for one user. Without /dev/shm to write to, it falls back to UDP."""
    parameters = ["-p", "lock_memory:=true", *BUNDLE]
    node, peer = start(arguments=parameters, under=another_user(tmp_path))
    peer.publish_map(worlds.room())
    peer.plan_to(START, GOAL, 5)
    check_privileges(node, tmp_path, set())
    assert status(node)["Uid"].split() == [str(NOBODY)] * 4
    assert status(node)["Groups"] == ""
    planner = {v.key: v.value for v in peer.wait(lambda: [
        s for _, s in peer.diagnostics if s.name == f"{peer.planner}: planner"], "diagnostics")[-1].values}
    # A container's root may not always raise limits: then the node must do without.
    expected = ("SCHED_FIFO", "50", True) if may_raise_limits() else ("SCHED_OTHER", "0", False)
    assert (planner["scheduling"], planner["priority"], planner["memory"] == "locked") == expected, node.log
    assert node.stop() == 0, node.log


@needs_sandbox
def test_a_log_folder_that_is_read_only_is_left_alone_with_a_warning(context, tmp_path):
    """Which shows, too, that the sandbox keeps the node from writing where it may not."""
    log = tmp_path / "log"
    log.mkdir()
    node = NodeProcess(tmp_path, arguments=BUNDLE, under=same_user(log, writable_log=False))
    try:
        node.wait_for_log(f"can't write log files to {log}")
        node.wait_for_log("model bundle")
        assert node.stop() == 0, node.log
    finally:
        node.stop(signal.SIGKILL)
    assert not list(log.iterdir())


# --- What the node asks of the system ---


def own_rules(log: pathlib.Path) -> Rules:
    return Rules(int(os.environ["ROS_DOMAIN_ID"]), [pathlib.Path("/dev/shm"), log],
                 multicast=os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] != "LOCALHOST")


@pytest.fixture(scope="module")
def trace(context, tmp_path_factory):
    """Every call of a node that starts, plans and ends; and its log folder."""
    from peer import Peer
    folder, log = tmp_path_factory.mktemp("traced"), tmp_path_factory.mktemp("log")
    file = folder / "calls"
    peer = Peer(context, "/traced")
    # -D: strace is not between us and the node.
    node = NodeProcess(folder, {"lock_memory": True, "cpu_affinity": max(os.sched_getaffinity(0))}, "/traced",
                       under=["env", f"ROS_LOG_DIR={log}", "strace", "-D", "-f", "-y", "-s", "256", "-o", str(file)])
    try:
        peer.connect(node)
        peer.publish_map(worlds.room())
        peer.plan_to(START, GOAL, 5)
        assert node.stop() == 0, node.log
    finally:
        node.stop(signal.SIGKILL)
        peer.close()
    return file.read_text(errors="replace").splitlines(), log


@fast_dds
@needs_strace
def test_what_the_node_asks_of_the_system_obeys_the_rules(trace):
    lines, log = trace
    asked = [call.name for call in calls(lines)]
    # All of it is there, the end included.
    assert {"socket", "sendto", "openat", "sched_setscheduler", "exit_group"} <= set(asked), f"{len(lines)} lines"
    broken = own_rules(log).broken(lines)
    assert not broken, "\n".join(broken[:20])


@fast_dds
@needs_strace
def test_the_unit_allows_every_system_call_that_the_node_makes(trace):
    known = groups()
    if not known:
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    allowed = allowed_by(UNIT, known)
    refused = {call.name: call.line for call in calls(trace[0]) if call.name not in allowed}
    assert not refused, f"SystemCallFilter= of the unit refuses {refused}"
    families = re.search(r"^RestrictAddressFamilies=(.*)$", UNIT, re.MULTILINE)[1].split()
    asked = {call.rest.split(",")[0] for call in calls(trace[0]) if call.name in ("socket", "socketpair")}
    assert asked <= set(families)


@needs_strace
def test_a_program_that_does_more_is_caught(tmp_path):
    file, log = tmp_path / "calls", tmp_path / "log"
    program = ("import os, socket; socket.socket().connect_ex(('127.0.0.1', 9)); "
               "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 53)); "
               f"open('{tmp_path}/x', 'w'); os.system('true')")
    subprocess.run(["strace", "-f", "-y", "-o", str(file), sys.executable, "-c", program], check=True)
    broken = "\n".join(own_rules(log).broken(file.read_text(errors="replace").splitlines()))
    for reason in ("AF_INET SOCK_STREAM", "port 9:", "port 53:", f"{tmp_path}/x:", "execve"):
        assert reason in broken, broken


# --- The rules ---

RULES = Rules(3, [pathlib.Path("/dev/shm"), pathlib.Path("/run/trm_node/log")])
IN, OUT = "sa_family=AF_INET, sin_port=htons", "sin_addr=inet_addr"


@pytest.mark.parametrize("line", [
    '7 socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP <unfinished ...>',
    '7 <... socket resumed>) = 3<socket:[1]>',
    '7 socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3',
    f'7 bind(3<socket:[1]>, {{{IN}(8160), {OUT}("0.0.0.0")}}, 16) = 0',
    f'7 sendto(3<socket:[1]>, "RTPS\\2\\"x{{", 64, MSG_NOSIGNAL, {{{IN}(8162), {OUT}("127.0.0.1")}}, 16) = 64',
    '7 sendto(8<socket:[2]>, "\\1", 1, MSG_NOSIGNAL, NULL, 0) = 1',
    '7 connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/var/run/lttng/lttng-ust-sock-6"}, 110) = -1 ENOENT (...)',
    '7 openat(AT_FDCWD</>, "/dev/shm/fastrtps_1", O_RDWR|O_CREAT|O_EXCL, 0644) = 3</dev/shm/fastrtps_1>',
    '7 openat(AT_FDCWD</run/trm_node>, "log/trm_node_7.log", O_WRONLY|O_CREAT|O_APPEND, 0666) = 3',
    '7 openat(AT_FDCWD</>, "/dev/null", O_RDWR) = 3</dev/null>',
    '7 openat(AT_FDCWD</>, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>',
    '7 link("/dev/shm/sem.a", "/dev/shm/sem.fastrtps_port8161_mutex") = 0',
    '7 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_THREAD, child_tid=0x1}, 88) = 8',
    '7 mmap(NULL, 4096, PROT_READ|PROT_EXEC, MAP_PRIVATE, 3</lib/libc.so.6>, 0) = 0x7f',
])
def test_what_the_rules_allow(line):
    assert not RULES.broken(["7 execve(\"trm_node\", [...]) = 0", line])


@pytest.mark.parametrize("line, reason", [
    ('7 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3', "AF_INET SOCK_STREAM"),
    ('7 socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) = -1 EPERM (Operation not permitted)', "AF_PACKET"),
    ('7 socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) = 3', "SOCK_RAW"),
    ('7 listen(3<socket:[1]>, 128) = 0', "nobody may connect"),
    (f'7 connect(3<socket:[1]>, {{{IN}(443), {OUT}("203.0.113.7")}}, 16 <unfinished ...>', "port 443"),
    (f'7 connect(3<socket:[1]>, {{{IN}(53), {OUT}("127.0.0.53")}}, 16) = 0', "port 53"),
    (f'7 sendto(3<socket:[1]>, "x", 1, 0, {{{IN}(8150), {OUT}("203.0.113.7")}}, 16) = 1', "not this machine"),
    (f'7 sendto(3<socket:[1]>, "x", 1, 0, {{{IN}(8150), {OUT}("239.255.0.1")}}, 16) = 1', "multicast"),
    (f'7 sendto(3<socket:[1]>, "x", 1, 0, {{{IN}(8150), {OUT}("239.1.1.1")}}, 16) = 1', "not this machine"),
    # Another domain's.
    (f'7 sendto(3<socket:[1]>, "x", 1, 0, {{{IN}(8400), {OUT}("127.0.0.1")}}, 16) = 1', "port 8400"),
    (f'7 bind(3<socket:[1]>, {{{IN}(22), {OUT}("0.0.0.0")}}, 16) = 0', "port 22"),
    (f'7 sendmsg(3<socket:[1]>, {{msg_name={{{IN}(53), {OUT}("127.0.0.1")}}, msg_namelen=16}}, 0) = 1', "port 53"),
    ('7 connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/run/dbus/system_bus_socket"}, 110) = 0', "not listed"),
    ('7 connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path=@"/tmp/.X11-unix/X0"}, 20) = 0', "not listed"),
    ('7 execve("/bin/sh", ["sh", "-c", "id"], 0x7ffd /* 9 vars */) = 0', "execve"),
    ('7 clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD}, 88) = 8', "a process"),
    ('7 openat(AT_FDCWD</>, "/root/.ros/log/trm_node_7.log", O_WRONLY|O_CREAT|O_APPEND, 0666) = 3', "/root/.ros/log"),
    ('7 openat(AT_FDCWD</tmp>, "core", O_RDWR <unfinished ...>', "/tmp/core"),
    ('7 openat(AT_FDCWD</>, "/dev/shm/../mem", O_RDWR) = 3', "/dev/mem"),
    ('7 openat(5</etc>, "passwd", O_RDONLY|O_TRUNC) = 3', "/etc/passwd"),
    ('7 rename("/dev/shm/a", "/etc/passwd") = 0', "/etc/passwd"),
    ('7 unlink("/var/lib/x") = 0', "/var/lib/x"),
    ('7 mmap(NULL, 4096, PROT_READ|PROT_WRITE|PROT_EXEC, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f', "written and"),
    ('7 mprotect(0x7f, 4096, PROT_READ|PROT_EXEC) = 0', "after it was written"),
])
def test_what_breaks_a_rule_is_named_with_its_line(line, reason):
    broken = RULES.broken(['7 execve("trm_node", [...]) = 0', '7 close(3) = 0', line])
    assert len(broken) == 1 and reason in broken[0] and broken[0].endswith(line)


def test_multicast_is_allowed_where_discovery_leaves_the_machine():
    line = f'7 sendto(3<socket:[1]>, "x", 1, 0, {{{IN}(8150), {OUT}("239.255.0.1")}}, 16) = 1'
    assert not Rules(3, [], multicast=True).broken([line])


def test_a_filter_is_read_line_by_line():
    known = {"@all": ["@few", "read"], "@few": ["write", "ptrace"]}
    unit = "SystemCallFilter=@all\nSystemCallFilter=~@few\nSystemCallFilter=write\n"
    assert allowed_by(unit, known) == {"read", "write"}
