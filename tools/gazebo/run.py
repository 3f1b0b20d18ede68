#!/usr/bin/env python3
"""A robot drives from goal to goal in Gazebo, among people, with trm_node as its planner: `make gazebo`.

Starts Gazebo Classic, the bridge, the robot's navigator and the node (with use_sim_time, through its lifecycle), and
writes gazebo.json, gazebo.png, gazebo.gif and gazebo.mcap. Exit code 0 only if every goal was reached and nothing was
touched.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import sys

try:
    import imports
    import google.protobuf  # noqa: F401
    import mcap  # noqa: F401
    import rclpy  # noqa: F401

    import draw_map
    import processes
    from drive_goals import Drive, Failed
    from recording import Recording
except ModuleNotFoundError as error:
    sys.exit(f"{error}: run `make gazebo`, or first tools/gazebo/prepare.sh and `. tools/ros/env.sh`")

import pictures
import report

# What must be there, and what makes it.
NEEDED = [("root/usr/bin/gzserver", "Gazebo"), ("messages.desc", "the description of Gazebo's messages")]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", type=pathlib.Path, default=imports.ROOT / "worlds/hall.sdf", help="SDF file")
    parser.add_argument("--goals", type=int, help="how many [default: 20, and 6 with --slam, which are farther]")
    parser.add_argument("--seed", type=int, default=3, help="of the start, the goals and the people")
    parser.add_argument("--slam", action="store_true",
                        help="no map: the robot maps, and goals are where nobody has looked")
    parser.add_argument("--frequencies", type=float, nargs="+", default=[20.0], metavar="HZ",
                        help="planner_frequency; more than one: a drive with each, to the same goals")
    parser.add_argument("--out", type=pathlib.Path, default=imports.ROOT / "gazebo", help="folder for what is written")
    parser.add_argument("--node", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("TRM_NODE", imports.ROOT / "target/debug/trm_node")))
    arguments = parser.parse_args()
    arguments.world = arguments.world.resolve()
    arguments.goals = (6 if arguments.slam else 20) if arguments.goals is None else arguments.goals
    for name, least in (("goals", 1), ("seed", 0)):
        if getattr(arguments, name) < least:
            parser.error(f"--{name}: {getattr(arguments, name)} is less than {least}")
    if any(not 0.1 <= f <= 1000 for f in arguments.frequencies):
        parser.error(f"--frequencies: {arguments.frequencies}, each must be from 0.1 to 1000 Hz")
    for name, file in (("--world", arguments.world), ("--node", arguments.node)):
        if not file.is_file():
            parser.error(f"{name}: there is no file {file}")
    return arguments


def check_machine() -> None:
    if os.geteuid() != 0:
        sys.exit("run.py: needs root, to enter the root that Gazebo is in: run it as root")
    for file, what in NEEDED:
        if not (imports.FOLDER / file).exists():
            sys.exit(f"run.py: {imports.FOLDER / file} is missing ({what}): run tools/gazebo/prepare.sh")
    if not shutil.which("unshare"):
        sys.exit("run.py: unshare is missing: apt-get install util-linux")


def check_world(file: pathlib.Path) -> None:
    """The map must be that of the world; it is drawn where there is none."""
    try:
        if not file.with_suffix(".yaml").is_file():
            draw_map.save(file)
        draw_map.read(file)
    except (OSError, ValueError, draw_map.WorldError) as error:
        sys.exit(f"run.py: --world: {error}")


def listen_to_signals(on: bool) -> None:
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.default_int_handler if on else signal.SIG_IGN)


def drive(arguments: argparse.Namespace, frequency: float, logs: pathlib.Path) -> tuple[Drive, str | None]:
    """One drive, and why it failed."""
    name = "gazebo" if frequency == arguments.frequencies[0] else f"gazebo_{frequency:g}_hz"
    recording = Recording(arguments.out / f"{name}.mcap")
    it, reason = Drive(arguments, frequency, logs, recording), None
    try:
        it.run()
    except Failed as failure:
        reason = str(failure)
    except KeyboardInterrupt:
        reason = "interrupted"
    finally:
        # Whatever comes now, nothing is left running.
        listen_to_signals(False)
        complaints = it.stop()
        recording.close()
        listen_to_signals(True)
    return it, reason or "; ".join(complaints) or None


def main() -> int:
    arguments = parse()
    check_machine()
    check_world(arguments.world)
    listen_to_signals(True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    reports, first = [], None
    logs = arguments.out / "logs"
    logs.mkdir(exist_ok=True)
    with processes.ros():
        print(f"Gazebo with {arguments.world.name}, ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}", flush=True)
        for frequency in arguments.frequencies:
            it, reason = drive(arguments, frequency, logs)
            if not it.legs:
                sys.exit(f"run.py: {reason}")
            reports.append(report.of(it, reason))
            first = first or it
            print(report.summary(reports[-1]), flush=True)
            if reason:
                break
    whole = {"machine": report.machine(), "drives": reports} | report.compared(reports)
    (arguments.out / "gazebo.json").write_text(json.dumps(whole, indent=1) + "\n")
    pictures.draw(first, reports[0], arguments.out / "gazebo.png")
    pictures.film(first, arguments.out / "gazebo.gif")
    print(f"written: {', '.join(str(arguments.out / f'gazebo.{kind}') for kind in ('json', 'png', 'gif', 'mcap'))}")
    faults = [fault for each in reports for fault in each["faults"]]
    for fault in faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
