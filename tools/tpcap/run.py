#!/usr/bin/env python3
"""Plans on the parking cases of the TPCAP benchmark with `trm plan`, and checks each path twice: by `trm check` on the map, and here
against the polygons of the case.

The twenty cases are in https://github.com/wenqing-2021/AutomatedValetParking, in the folder BenchmarkCases. Exit code 1 if a path
fails a check.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

import cases

OUTLINE = json.dumps(cases.FOOTPRINT.tolist())
ROBOT = ["--footprint", OUTLINE, "--footprint-padding", "0"]
CAR = [*ROBOT, "--motion-model", "car", "--minimum-turning-radius", str(cases.RADIUS)]

# On the map, where obstacles are up to a cell larger, the vehicle may not fit exactly at the goal. Then the path may end a cell beside
# it, with the heading this far off, as the parameter yaw_goal_tolerance has it.
YAW_TOLERANCE = 0.25


def plan(trm: pathlib.Path, case: cases.Case, map_file: pathlib.Path, deadline_ms: float) -> dict:
    """What `trm plan --json` says."""
    command = [str(trm), "plan", str(map_file), "--start", *map(str, case.start), "--goal", *map(str, case.goal), *CAR,
               "--deadline-ms", str(deadline_ms), "--json"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode not in (0, 2):
        sys.exit(f"{case.name}: {answer.stderr}")
    return json.loads(answer.stdout)


def faults(trm: pathlib.Path, case: cases.Case, map_file: pathlib.Path, answer: dict, resolution: float) -> list[str]:
    """What is wrong with a path."""
    poses, found = np.array(answer["poses"]), []
    path_file = map_file.with_name("path.json")
    path_file.write_text(json.dumps(answer))
    checked = subprocess.run([str(trm), "check", str(path_file), str(map_file), *ROBOT],
                             capture_output=True, text=True)
    if checked.returncode:
        found.append(f"trm check: {(checked.stderr or checked.stdout).strip()}")
    if (pose := cases.hit(case, poses)) is not None:
        found.append(f"in an obstacle at {pose.round(3).tolist()}")
    if cases.narrowest(poses) < cases.RADIUS - 1e-4:
        found.append(f"a curve of {cases.narrowest(poses):.4f} m")
    if max(off(poses[0], case.start)) > 1e-6:
        found.append(f"begins at {poses[0].tolist()}")
    distance, turn = off(poses[-1], case.goal)
    if distance > resolution or turn > YAW_TOLERANCE:
        found.append(f"ends at {poses[-1].tolist()}")
    return found


def off(pose: np.ndarray, asked: cases.Pose) -> tuple[float, float]:
    """How far a pose is from the one asked for, in metres and radians."""
    return math.dist(pose[:2], asked[:2]), abs(math.remainder(pose[2] - asked[2], math.tau))


def word(status: str) -> str:
    return {"SUCCEEDED": "solved", "NO_VALID_PATH": "unreachable", "TIMEOUT": "not in time"}.get(status, status)


def measure(arguments: argparse.Namespace, case: cases.Case, folder: pathlib.Path) -> dict:
    """One case: within the deadline, several times; where that doesn't do, once more with time enough."""
    map_file = cases.draw(case, arguments.resolution, folder)
    answers = [plan(arguments.trm, case, map_file, arguments.deadline_ms) for _ in range(arguments.repeats)]
    in_time = [a for a in answers if a["status"] != "TIMEOUT" and a["stage_us"]["total"] <= arguments.deadline_ms * 1e3]
    is_in_time = len(in_time) == len(answers)
    answer = in_time[0] if is_in_time else plan(arguments.trm, case, map_file, arguments.patience_ms)
    totals = [a["stage_us"]["total"] / 1e3 for a in (answers if is_in_time else [answer])]
    row = {"case": case.name, "result": word(answer["status"]), "in_time": is_in_time, "runs_in_time": len(in_time),
           "runs": len(answers), "ms": round(statistics.median(totals), 1),
           "length_m": None, "cusps": None, "goal_off_m_rad": None, "faults": []}
    if answer["status"] == "SUCCEEDED":
        poses = np.array(answer["poses"])
        row |= {"length_m": round(answer["length_m"], 2), "cusps": cases.cusps(poses),
                "goal_off_m_rad": [round(v, 4) for v in off(poses[-1], case.goal)],
                "faults": faults(arguments.trm, case, map_file, answer, arguments.resolution)}
    return row


def line(row: dict) -> str:
    length = "" if row["length_m"] is None else f"{row['length_m']:8.2f} m {row['cusps']:3d} cusps"
    return (f"{row['case']:8} {row['result']:14} {'in time' if row['in_time'] else 'late':8} {row['ms']:9.1f} ms {length} "
            f"{'; '.join(row['faults'])}").rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="with the files Case*.csv")
    parser.add_argument("--trm", type=pathlib.Path, required=True, help="the command")
    parser.add_argument("--resolution", type=float, default=0.1, help="of the maps, metres")
    parser.add_argument("--deadline-ms", type=float, default=100.0)
    parser.add_argument("--patience-ms", type=float, default=10_000.0, help="for a case that isn't done by the deadline")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each case within the deadline")
    parser.add_argument("--json", type=pathlib.Path, help="the table as a file")
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob("Case*.csv"), key=lambda file: int(file.stem[4:]))
    if not files:
        parser.error(f"{arguments.folder}: there is no Case*.csv")
    rows = []
    with tempfile.TemporaryDirectory(prefix="trm_tpcap_") as folder:
        for file in files:
            rows.append(measure(arguments, cases.read(file), pathlib.Path(folder) / file.stem))
            print(line(rows[-1]), flush=True)
    done = [row for row in rows if row["in_time"] and row["result"] in ("solved", "unreachable")]
    solved = sum(row["result"] == "solved" for row in rows)
    print(f"{len(done)} of {len(rows)} solved or proven unreachable within {arguments.deadline_ms:.0f} ms; {solved} solved at all")
    if arguments.json:
        head = {"resolution_m": arguments.resolution, "deadline_ms": arguments.deadline_ms, "runs_of_each": arguments.repeats,
                "done_in_time": len(done), "solved": solved, "of": len(rows)}
        arguments.json.write_text(json.dumps({**head, "cases": rows}, indent=1) + "\n")
    return 1 if any(row["faults"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
