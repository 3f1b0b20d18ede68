"""`make bench` from end to end, too short for figures: the node is recorded over DDS, and the report has every figure."""

import json
import os
import pathlib
import subprocess
import sys

from process import BINARY, ROOT

TRM = pathlib.Path(os.environ.get("TRM", ROOT / "target/debug/trm"))


def test_a_recording_of_the_node_becomes_a_report(tmp_path, monkeypatch):
    # Not the domain of the node that other tests share: it has the same name.
    monkeypatch.setenv("ROS_DOMAIN_ID", str(int(os.environ["ROS_DOMAIN_ID"]) % 100 + 1))
    recorded = subprocess.run(
        [sys.executable, str(ROOT / "tools/bench/run.py"), "--out", str(tmp_path), "--node", str(BINARY),
         "--trm", str(TRM), "--idle", "2", "--loaded", "0", "--large", "0", "--window", "32", "--rate", "20",
         "--deadline-ms", "1000"], capture_output=True, text=True, timeout=120)
    assert recorded.returncode == 0, recorded.stderr
    lines = [json.loads(line) for line in (tmp_path / "node_idle.jsonl").read_text().splitlines()]
    assert [next(iter(line)) for line in lines] == ["header", *["tick"] * (len(lines) - 2), "footer"]
    ticks, footer = [line["tick"] for line in lines[1:-1]], lines[-1]["footer"]
    assert len(ticks) >= 20 and [tick["id"] for tick in ticks] == list(range(ticks[0]["id"], ticks[-1]["id"] + 1))
    assert sum(tick["result"] == "SUCCEEDED" for tick in ticks) >= 20
    assert all(0 < tick["total_us"] and tick["stages_us"]["publish"] > 0 for tick in ticks if tick["length_m"])
    assert any(tick["received_us"] for tick in ticks)
    assert footer["lost"] == 0 and footer["violations"] == 0 and footer["paths_checked"] > 0 and footer["rss_mb"] > 10
    report = subprocess.run([str(TRM), "bench", str(ROOT / "tests/maps/pal_office/map.yaml"), "--node",
                             str(tmp_path / "node_idle.jsonl"), "--parts", "slowdown", "--quick", "--out", str(tmp_path)],
                            capture_output=True, text=True, timeout=120)
    assert report.returncode == 0, report.stderr
    made = json.loads((tmp_path / "bench.json").read_text())
    assert made["headline"] == "idle" and made["ticks"] == len(ticks)
    assert set(made["latency_us"]) == {"p50", "p90", "p99", "p999", "max"}
    assert set(made["misses"]) == {"late", "too_late", "lost"} and sum(made["source"].values()) == len(ticks)
    assert made["slowdown"]["factor"] == 10 and made["rss_mb"] > 10 and made["machine"]["cores"] > 0
    assert "<svg" in (tmp_path / "bench.html").read_text()
