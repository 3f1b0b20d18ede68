#!/usr/bin/env python3
"""Lets trm_node work for hours over DDS, and judges whether it needs no more than at first and why a plan was late.

The bench's robot drives among the bench's obstacles to one goal after the other; besides, parameters are set, whole
maps are sent again, goals change on the way, and a listener of all topics comes, hangs and goes (events.py). Writes
a report and a picture into --out. Exit code 0 when all checks passed (judge.py says what they are), 2 when one failed,
1 when the run broke.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import struct
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bench")]

import run as bench  # noqa: E402  it finds what it needs of tools/demo

import curves  # noqa: E402
import events  # noqa: E402
import judge  # noqa: E402
import late_trace  # noqa: E402
import machine  # noqa: E402
import needs  # noqa: E402
import processes  # noqa: E402
import switches  # noqa: E402
from plan_status import Status  # noqa: E402
from recorder import STAGES, Recorder  # noqa: E402

SAMPLE_EVERY, MINUTE = 10.0, 60.0
# The bench drives for so long between two looks at what else is to be done, in seconds.
SLICE = 1.0
# A plan is late for good when it is later than its period or this, in ms; as in the bench.
LATE_MS = 50.0
# The interval of a late plan is looked at when the samplers have passed it, in seconds.
SETTLED = 0.1
# Of so many late plans everything is kept.
MOST_LATE = 500


def usual(ticks: list[dict]) -> dict[str, float]:
    """Medians of what plans take, in ms."""
    return {"total": judge.quantile([tick["total_us"] / 1e3 for tick in ticks], 0.5),
            "publish": judge.quantile([tick["stages_us"]["publish"] / 1e3 for tick in ticks], 0.5)}


def span(tick: dict) -> tuple[float, float]:
    """When a plan was made, in Unix time, at the widest: its stamp is of some time while it was published."""
    return tick["stamp"] - tick["total_us"] / 1e6, tick["stamp"] + tick["stages_us"]["publish"] / 1e6


class Ear(Recorder):
    """Hears more of each plan than the bench does."""

    # Of the planner thread's whole loop, by /diagnostics.
    LOOP = ("plans", "failed", "unpublished", "lost", "overruns", "allocations", "page_faults", "goals_superseded")

    def __init__(self, planner: str):
        super().__init__(planner)
        self.loop: dict[str, int] = {}

    def on_diagnostics(self, msg) -> None:
        super().on_diagnostics(msg)
        for status in msg.status:
            if status.name.endswith(": planner"):
                values = {value.key: value.value for value in status.values}
                self.loop = {key: int(values[key]) for key in self.LOOP if key in values}

    def record(self, status: Status, received_us: float | None) -> None:
        super().record(status, received_us)
        # Before there are costs, they have no lag.
        lag = status.map_lag_ms if status.map_messages else 0.0
        self.ticks[-1].update(missed=status.missed, map_lag_ms=lag, map_suspect=status.map_suspect,
                              stamp=status.stamp, heard=time.time(), text=status.message)


class Book:
    """What is kept of the plans: figures by minute, and everything about the late ones."""

    def __init__(self, arguments):
        self.deadline, self.rate = arguments.deadline_ms, arguments.rate
        self.totals: list[float] = []
        self.when: list[float] = []
        self.minutes: list[dict] = []
        self.late: list[dict] = []
        self.without_path: collections.Counter = collections.Counter()
        self.ids: list[int] = []
        self.recent: list[dict] = []  # of this minute
        self.usual: dict[str, float] = {}
        self.suspects: collections.Counter = collections.Counter()

    def take(self, tick: dict, seconds: float) -> bool:
        """Whether the plan was late."""
        total = tick["total_us"] / 1e3
        self.totals.append(total)
        self.when.append(seconds)
        self.recent.append(tick)
        self.ids = [self.ids[0] if self.ids else tick["id"], tick["id"]]
        if tick["result"] != "SUCCEEDED":
            self.without_path[tick["result"]] += 1
        if tick["map_suspect"]:
            self.suspects[tick["map_suspect"]] += 1
        return tick["missed"] or total > self.deadline

    def usual_now(self) -> dict[str, float]:
        """Of the last whole minute; in the first one, of what there is of it."""
        return self.usual or usual(self.recent)

    def close_minute(self, number: int) -> None:
        ticks, self.recent = self.recent, []
        if not ticks:
            return
        totals = [tick["total_us"] / 1e3 for tick in ticks]
        self.usual = usual(ticks)
        without = collections.Counter(tick["result"] for tick in ticks if tick["result"] != "SUCCEEDED")
        most = lambda key: max(tick[key] for tick in ticks)  # noqa: E731
        self.minutes.append({
            "minute": number, "plans": len(ticks), "p50_ms": judge.quantile(totals, 0.5),
            "p99_ms": judge.quantile(totals, 0.99), "max_ms": max(totals),
            "wake_p99_ms": judge.quantile([tick["wake_us"] / 1e3 for tick in ticks], 0.99),
            "misses": sum(tick["missed"] for tick in ticks), "over_deadline": sum(t > self.deadline for t in totals),
            "stale_map": without.pop("STALE_MAP", 0), "without_path": dict(without), "map_lag_ms": most("map_lag_ms"),
            "allocations": sum(tick["allocations"] for tick in ticks),
            "page_faults": sum(tick["page_faults"] for tick in ticks),
            "stages_p50_ms": {stage: judge.quantile([tick["stages_us"][stage] / 1e3 for tick in ticks], 0.5)
                              for stage in STAGES},
            "steps": sum(tick["steps"] for tick in ticks) / len(ticks),
            "applications": sum(tick["applications"] for tick in ticks) / len(ticks),
            "warm": sum(tick["warm"] for tick in ticks) / len(ticks),
            "sources": dict(collections.Counter(tick["source"] for tick in ticks))})

    def summary(self, overruns: int) -> dict:
        late = [total for total in self.totals if total > self.deadline]
        too_late = max(self.deadline, min(1e3 / self.rate, LATE_MS))
        unheard = self.ids[1] - self.ids[0] + 1 - len(self.totals) if self.ids else 0
        return {"plans": len(self.totals),
                **{name: judge.quantile(self.totals, share) for name, share in
                   (("p50_ms", 0.5), ("p99_ms", 0.99), ("p999_ms", 0.999), ("max_ms", 1.0))},
                "late": sum(total <= too_late for total in late), "too_late": sum(total > too_late for total in late),
                "lost": overruns + unheard, "unheard": unheard, "without_path": dict(self.without_path),
                "map_suspect": dict(self.suspects),
                "causes": causes(self.late)}

    def p99_of_thirds(self) -> tuple[float, float]:
        first, last = judge.thirds(self.when, self.totals)
        return judge.quantile(first, 0.99), judge.quantile(last, 0.99)


def name_cause(plan: dict) -> None:
    """Judges a late plan by what is kept of it."""
    plan["cause"], plan["parts_ms"] = judge.UNEXPLAINED, {}
    if found := plan["trace"]:
        late = judge.Late(plan["total_ms"], plan["usual_ms"], plan["usual_publish_ms"], plan["stages_ms"],
                          late_trace.thread_time(found["planner"]), late_trace.thread_time(found["publisher"]),
                          late_trace.stolen_ms(found))
        plan["cause"], plan["parts_ms"] = judge.cause(late), judge.parts(late)


def describe(plan: dict) -> str:
    """A late plan in a line."""
    found, stage = plan["trace"], plan["stage"]
    line = f"late after {plan['s']:.0f} s: {plan['total_ms']:.1f} ms, {plan['cause']}; {stage} " \
           f"{plan['stages_ms'][stage]:.1f} ms"
    if not found:
        return f"{line}; no samples of that time"
    for thread in ("planner", "publisher"):
        own = found[thread]
        line += f"; {thread} ran {own['cpu_ms']:.1f}, was ready {own['ready_ms']:.1f}, blocked {own['blocked_ms']:.1f}"
        line += f", waited for {', '.join(sorted(set(own['waits_for'])))}" if own["waits_for"] else ""
    return f"{line}, of {found['ms']:.1f} ms; the host took {late_trace.stolen_ms(found):.1f} ms"


def check_causes(late: list[dict]) -> judge.Check:
    return judge.none_of("late plans that nobody else explains", sum(plan["cause"] in judge.OWN for plan in late))


def causes(late: list[dict]) -> dict[str, int]:
    return dict(collections.Counter(plan["cause"] for plan in late))


def judge_again(result: dict) -> dict:
    """The causes of the late plans of an earlier run, by the rule as it is now."""
    for plan in result["late"]:
        name_cause(plan)
    result["summary"]["causes"] = causes(result["late"])
    again = vars(check_causes(result["late"]))
    result["checks"] = [again if check["name"] == again["name"] else check for check in result["checks"]]
    return result


class Soak(bench.Case):
    """The bench's case, for hours."""

    def __init__(self, arguments):
        super().__init__(arguments, arguments.map, [bench.Phase("soak", 60.0 * arguments.minutes, [])],
                         obstacles=arguments.obstacles)
        self.book, self.samples, self.complaints = Book(arguments), [], []
        self.happened: dict[str, float] = {}  # when last, in seconds

    def run(self, folder: pathlib.Path, out: pathlib.Path) -> dict:
        self.children, self.guests = processes.Children(folder), processes.Children(folder)
        self.recorder = Ear(bench.PLANNER)
        try:
            self.pid = self.start_all(folder, self.children)
            self.begin()
            self.work()
        except bench.Failed as failure:
            raise bench.Failed(f"{failure}\n{self.children.log(bench.PLANNER)[-3000:]}") from None
        finally:
            self.guest.close() if hasattr(self, "guest") else None
            self.guests.stop()
            self.complaints = self.children.stop()
            self.recorder.close()
            shutil.copy(folder / f"{bench.PLANNER}.log", out / "node.log")
        return self.result()

    def begin(self) -> None:
        recorder = self.recorder
        self.wait(recorder.graph_complete, 60.0, "the processes to find each other", self.children, recorder)
        recorder.send_goal(self.goals.next(recorder.robot))
        self.wait(lambda: recorder.path is not None, 30.0, "the first plan", self.children, recorder)
        self.guest = events.Listener(self.guests, self.arguments.listener_every)
        self.parameters, self.maps = events.Parameters(recorder, bench.PLANNER), events.Maps(recorder)
        self.drive(bench.WARM_UP, None, self.children, recorder)
        recorder.ticks, recorder.recording = [], True
        self.overruns, self.goals_sent, self.loop = recorder.overruns, 0, dict(recorder.loop)

    def work(self) -> None:
        """Everything until the time is over."""
        with contextlib.ExitStack() as stack:
            self.trace = stack.enter_context(contextlib.closing(late_trace.Trace(self.pid, self.arguments.priority)))
            self.switches = stack.enter_context(contextlib.closing(switches.Switches(self.threads())))
            self.memory = [needs.memory_by_name(self.pid)]
            self.load = machine.Load()
            self.began = time.monotonic()
            due = {"sample": 0.0, "minute": MINUTE, "parameters": 5.0, "maps": 31.0, "goals": 17.0}
            # Ctrl-C ends it early; what there is is judged.
            with contextlib.suppress(KeyboardInterrupt):
                while (now := time.monotonic() - self.began) < 60.0 * self.arguments.minutes:
                    self.events(now, due)
                    self.drive(SLICE, None, self.children, self.recorder)
                    self.hear(time.monotonic() - self.began)
            self.book.close_minute(len(self.book.minutes))
            self.sample(time.monotonic() - self.began)
            self.memory.append(needs.memory_by_name(self.pid))
        self.recorder.recording = False
        self.drive(bench.SETTLE, None, self.children, self.recorder)

    def threads(self) -> set[str]:
        return set(os.listdir(f"/proc/{self.pid}/task"))

    def events(self, now: float, due: dict[str, float]) -> None:
        """What is due."""
        def is_due(name: str, every: float) -> bool:
            if now < due[name]:
                return False
            due[name] += every
            self.happened[name] = now
            return name in self.arguments.do or name not in events.NAMES
        if is_due("sample", SAMPLE_EVERY):
            self.sample(now)
        if is_due("minute", MINUTE):
            self.book.close_minute(len(self.book.minutes))
            self.show()
        if is_due("parameters", events.PARAMETER_EVERY):
            self.parameters.step()
        if is_due("maps", events.MAP_EVERY):
            self.maps.step(self.grid, self.movers.state)
        if is_due("goals", events.GOAL_EVERY):
            self.recorder.send_goal(self.goals.next(self.recorder.robot))
            self.goals_sent += 1
        if "listener" in self.arguments.do:
            self.guest.step(now)

    def sample(self, now: float) -> None:
        done = {"parameters": self.parameters.number, "maps": self.maps.number, "listeners": self.guest.lives}
        self.samples.append({"s": round(now, 1), **needs.sample(self.pid), "listener": self.guest.present, **done,
                             **self.load.since_last()})

    def hear(self, now: float) -> None:
        """Takes what has come of plans; asks the trace about late ones as long as it remembers."""
        ticks, self.recorder.ticks = self.recorder.ticks, []
        late = [tick for tick in ticks if self.book.take(tick, now)]
        late = late[:max(0, MOST_LATE - len(self.book.late))]
        if not late:
            return
        time.sleep(SETTLED)
        spans = [span(tick) for tick in late]
        # Read once for all of them: it takes long, and nobody drives meanwhile.
        switched = self.switches.between(min(begin for begin, _ in spans), max(end for _, end in spans))
        self.book.late += [self.explain(tick, now, switched) for tick in late]

    def explain(self, tick: dict, now: float, switched: list[tuple]) -> dict:
        total, (begin, end) = tick["total_us"] / 1e3, span(tick)
        found = self.trace.interval(begin, end)
        stages = {stage: tick["stages_us"][stage] / 1e3 for stage in STAGES}
        stages["wake"] = tick["wake_us"] / 1e3
        stages["rest"] = round(total - sum(stages.values()), 3)
        usual = self.book.usual_now()
        ran, waited = switches.shares(switched, begin, end), switches.waits(switched, begin, end, self.threads())
        took = max(stages, key=stages.get)
        plan = {"s": round(now, 1), "id": tick["id"], "result": tick["result"], "text": tick["text"], "total_ms": total,
                "usual_ms": usual["total"], "usual_publish_ms": usual["publish"], "missed": tick["missed"],
                "stage": took,
                "stages_ms": stages, "voluntary_switches": tick["voluntary_switches"],
                "involuntary_switches": tick["involuntary_switches"], "page_faults": tick["page_faults"],
                "steps": tick["steps"], "warm": tick["warm"], "source": tick["source"],
                "map_lag_ms": tick["map_lag_ms"], "listener": self.guest.present, "begin": begin, "end": end,
                "since_s": self.since(now), "trace": found, "ran_ms": ran, "waited_ms": waited}
        name_cause(plan)
        print(describe(plan), file=sys.stderr, flush=True)
        return plan

    def since(self, now: float) -> dict[str, float]:
        """How long ago things last happened; of the listener, how long ago it was started."""
        times = {**self.happened, **({} if self.guest.came is None else {"listener": self.guest.came})}
        return {name: round(now - when, 1) for name, when in times.items() if name in self.arguments.do}

    def show(self) -> None:
        last, needed = self.book.minutes[-1], self.samples[-1]
        print(f"minute {last['minute'] + 1:4}  {last['plans']} plans  ms p50 {last['p50_ms']:.2f}  "
              f"p99 {last['p99_ms']:.2f}  max {last['max_ms']:.2f}  misses {last['misses']}  "
              f"RSS {needed['rss_mb']:.2f} MB  fds {needed['descriptors']}  threads {needed['threads']}  "
              f"shm {needed['shm_files']}  load {needed['load']:.1f}  steal {needed['steal_percent']} %",
              file=sys.stderr, flush=True)

    def result(self) -> dict:
        summary = self.book.summary(self.recorder.overruns - self.overruns)
        self.parameters.count()
        done = {"parameters_set": self.parameters.number, "parameters_answered": self.parameters.answered,
                "parameters_refused": self.parameters.refused, "whole_maps": self.maps.number,
                "goals_in_between": self.goals_sent, "listeners": self.guest.lives, "listener_stops": self.guest.stops,
                "paths_checked": self.checked, "violations": self.violations}
        loop = {key: value - self.loop.get(key, 0) for key, value in self.recorder.loop.items()}
        return {"summary": summary, "loop": loop, "events": done, "checks": [vars(check) for check in self.checks()],
                "memory_mb": self.memory, "complaints": self.complaints,
                "switches": self.switches.problem or "recorded",
                "minutes": self.book.minutes, "late": self.book.late, "samples": self.samples}

    def checks(self) -> list[judge.Check]:
        times = [sample["s"] for sample in self.samples]
        of = lambda key: [sample[key] for sample in self.samples]  # noqa: E731
        # Of the plans alone by ~/status, and of all that the loop does by /diagnostics.
        total = lambda key: max(sum(minute[key] for minute in self.book.minutes),  # noqa: E731
                                self.recorder.loop[key] - self.loop[key])
        ended = [complaint for complaint in self.complaints if complaint.startswith(bench.PLANNER)]
        return [judge.flat_rss(times, of("rss_mb")),
                *(judge.constant(key, times, of(key)) for key in ("descriptors", "threads", "shm_files")),
                judge.steady_latency(*self.book.p99_of_thirds()),
                judge.none_of("allocations of the loop", total("allocations")),
                judge.none_of("page faults of the loop", total("page_faults")),
                check_causes(self.book.late),
                judge.none_of("paths that touch something", len(self.violations)),
                judge.none_of("parameters that were refused", self.parameters.refused),
                judge.none_of("complaints about the node's end", len(ended))]


@contextlib.contextmanager
def awake(wanted: bool):
    """Keeps the CPUs from sleeping deeply while it is held; gives what became of it."""
    if not wanted:
        yield "not asked for"
        return
    try:
        file = open("/dev/cpu_dma_latency", "wb", buffering=0)
    except OSError as error:
        yield f"not held: {error}"
        return
    with file:
        file.write(struct.pack("=i", 0))
        yield "held at 0 us"


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for soak.json and soak.png")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--map", type=pathlib.Path, default=bench.ROOT / "tests/maps/pal_office/map.yaml")
    parser.add_argument("--rate", type=float, default=50.0, help="plans a second")
    parser.add_argument("--deadline-ms", type=float, default=10.0)
    parser.add_argument("--window", type=int, default=64, help="cells a side of the model's window")
    parser.add_argument("--bundle", default="", help="folder of the model bundle; default: the released one")
    parser.add_argument("--obstacles", type=int, default=3, help="moving obstacles")
    parser.add_argument("--speed", type=float, default=1.0, help="the robot's greatest speed, m/s")
    parser.add_argument("--seed", type=int, default=1, help="of goals and obstacles")
    parser.add_argument("--node", type=pathlib.Path, default=bench.ROOT / "target/release/trm_node")
    parser.add_argument("--node-commit", default="", help="what the node was built from; default: this folder's commit")
    parser.add_argument("--priority", type=int, default=60, help="of the samplers; above the node's thread_priority")
    parser.add_argument("--do", default=",".join(events.NAMES),
                        help="what happens besides driving (default: %(default)s)")
    parser.add_argument("--listener-every", type=float, default=events.COMES, metavar="S",
                        help="seconds from one listener to the next (default: %(default)s)")
    parser.add_argument("--again", action="store_true", help="only judge what --out has of an earlier run once more")
    parser.add_argument("--cpu-dma-latency", action="store_true", help="hold /dev/cpu_dma_latency at 0 us meanwhile")
    arguments = parser.parse_args(argv)
    arguments.do = [name for name in arguments.do.split(",") if name]
    if unknown := set(arguments.do) - set(events.NAMES):
        parser.error(f"--do: {unknown.pop()} is none of {', '.join(events.NAMES)}")
    for name, file in (("--map", arguments.map), ("--node", arguments.node)):
        if not arguments.again and not file.is_file():
            parser.error(f"{name}: there is no file {file}")
    return arguments


def rounded(value):
    """Floats to the microsecond where they are ms."""
    if isinstance(value, float):
        return round(value, 6 if value > 1e6 else 3)
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def one_by_one(result: dict) -> str:
    """JSON with a line for each element of the long lists."""
    def text(value) -> str:
        if isinstance(value, list) and value:
            return "[\n  " + ",\n  ".join(json.dumps(rounded(one)) for one in value) + "\n ]"
        return json.dumps(rounded(value))
    return "{\n " + ",\n ".join(f"{json.dumps(key)}: {text(value)}" for key, value in result.items()) + "\n}\n"


def report(result: dict, out: pathlib.Path) -> int:
    (out / "soak.json").write_text(one_by_one(result))
    curves.draw(result, out / "soak.png")
    for plan in result["late"]:
        print(describe(plan))
    print(json.dumps(result["summary"]))
    for check in result["checks"]:
        word = {True: "passed", False: "FAILED", None: "too short"}[check["passed"]]
        print(f"{word:>9}  {check['name']}: {check['text']}")
    return 2 if any(check["passed"] is False for check in result["checks"]) else 0


def main() -> int:
    arguments = parse(sys.argv[1:])
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.default_int_handler)
    if arguments.again:
        return report(judge_again(json.loads((arguments.out / "soak.json").read_text())), arguments.out)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trm_soak_") as folder, processes.ros(), \
            awake(arguments.cpu_dma_latency) as latency:
        try:
            about = machine.about(arguments, latency)
            result = Soak(arguments).run(pathlib.Path(folder), arguments.out)
        except bench.Failed as failure:
            print(f"soak failed: {failure}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return report({"about": about, **result}, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
