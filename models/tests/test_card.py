import copy
import json

import yaml

from trm_train import card

QUANTILES = {"p50": 1.0, "p95": 1.04, "p99": 1.06, "max": 3.0}
OUTCOME = {"success": 0.998, "ci95": [0.99, 0.9995], "cost_ratio": QUANTILES, "optimal": 0.9, "colliding": 0}
WARM = {"n": 9, "within_one_application": 1.0, "within_one_application_ci95": [0.7, 1.0], "within_two_steps": 1.0}
WARM |= {"within_two_steps_ci95": [0.7, 1.0], "cold_within_two_steps": 0.5, "slower_than_cold": 0.0}
CASE = {
    "queries": 500,
    "window": 64,
    "budget": {"steps": 64},
    "model_only": OUTCOME,
    "with_fallback": OUTCOME | {"success": 1.0},
    "steps": QUANTILES,
    "steps_over_bound": {"p95": 0.8},
    "steps_by_difficulty": {"easiest": 1.0, "hardest": 2.5, "ratio": 2.5},
    "per_map": {name: {"n": 250, "steps": QUANTILES} | OUTCOME for name in ("depot", "hospital")},
}
ANYTIME = {
    "queries": 9,
    "steps": 2,
    "by_step": [
        {"step": step, "solved": 1.0, "solved_now": 0.9, "right": 0.8, "corrected": 0.7, "broken": None} for step in (1, 2)
    ],
    "cells_ratio": QUANTILES,
    "without_the_model": {"solved": 0.5, "cells_ratio": QUANTILES},
    "expansions_beside": QUANTILES,
    "stop_policies": {
        name: {"solved": 1.0, "steps": 1.5, "extra_steps": 0.0, "extra_steps_p95": 0.5, "extra_cost": 0.0, "extra_cost_p95": 0.0}
        for name in ("confident", "oracle")
    },
    "calibration": {
        "expected_error": 0.1,
        "bins": [{"low": 0.9, "high": 1.0, "n": 7, "q": 0.95, "right": 0.9, "verified": 1.0}],
    },
    "times_ms": {"model": QUANTILES | {"solved": 1.0, "within_ms": [[0.1, 0.0]], "cost_ratio": QUANTILES}},
    "warm": {"moved_1": WARM},
    "path_change": {"n": 9, "mean": 0.1, "p95": 0.2, "max": 0.3, "over_a_cell": 0.0},
}


def test_tables_are_put_between_the_marks_again_and_again(tmp_path):
    (tmp_path / "eval").mkdir()
    for name, case in [("maps_128", CASE), ("maps_64", CASE), ("anytime_maps_64", CASE | {"anytime": ANYTIME})]:
        (tmp_path / "eval" / f"{name}.json").write_text(json.dumps(case))
    page = tmp_path / "README.md"
    page.write_text("# A bundle\n\nText.\n")
    card.put(page, card.section(tmp_path / "eval"))
    once = page.read_text()
    assert once.startswith("# A bundle\n\nText.\n\n## Evaluation\n")
    assert once.index("| maps_64 |") < once.index("| maps_128 |") < once.index("### Step by step: anytime_maps_64")
    assert "| maps_64 | 64 | 500 | 64 steps | 0.9980 (0.9900–0.9995) | 1.0000 (0.9900–0.9995) |" in once
    assert "| maps_64 | hospital | 250 |" in once and "| 2 | 1.000 | 0.900 | 0.800 | 0.700 | – |" in once
    card.put(page, card.section(tmp_path / "eval"))
    assert page.read_text() == once
    page.write_text(once + "More text.\n")
    card.put(page, "New.")
    assert page.read_text() == f"# A bundle\n\nText.\n\n## Evaluation\n\n{card.BEGIN}\n\nNew.\n\n{card.END}\nMore text.\n"


def test_a_run_on_many_threads_has_no_times(tmp_path):
    case = copy.deepcopy(CASE | {"anytime": ANYTIME})
    case["anytime"]["times_ms"] = None
    (tmp_path / "anytime_maps_64.json").write_text(json.dumps(case))
    assert "Time to the first path" not in card.section(tmp_path)


def test_a_new_card_says_what_the_manifest_does_and_an_old_one_stays(tmp_path):
    manifest = {
        "name": "mine",
        "architecture": {"hidden": 32, "patch": 2, "latent_updates": 3, "cycles": 2, "parameters": 47141},
        "windows": {"min": 16, "max": 512, "multiple_of": 2},
        "training": {"config": "mine.yaml", "seed": 7, "maps": []},
    }
    (tmp_path / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    card.begin(tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("# Bundle `mine`") and "| weights | 47141 |" in text
    assert "| trained with | config mine.yaml, seed 7 |" in text
    (tmp_path / "README.md").write_text("mine")
    card.begin(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
