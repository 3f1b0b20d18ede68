"""A sample of `make strangers`: cases of each table, judged by another program."""

import pytest

import worlds  # noqa: F401 (the modules of tests/strangers can be imported after it)
import frames
import map_files
import overrides
import qos_pairs
import resolutions
from bench import Bench


@pytest.fixture
def bench(context, tmp_path):
    return Bench(context, tmp_path)


@pytest.mark.parametrize("table, cases, outcomes", [
    (map_files, lambda bench: map_files.cases(bench, every=4), 5),
    (qos_pairs, lambda bench: qos_pairs.cases(bench, qos_pairs.PROFILES[:3]), 3),
    (overrides, lambda bench: overrides.cases(bench, ["reliability"]), 5),
    (resolutions, lambda bench: resolutions.cases(bench, resolutions.RESOLUTIONS[:2]), 2),
    (frames, lambda bench: frames.cases(bench, frames.TRIED[7:10]), 2),
], ids=lambda value: getattr(value, "__name__", ""))
def test_a_sample(bench, table, cases, outcomes):
    found = list(cases(bench))
    assert not [str(case) for case in found if not case.is_same]
    assert len({case.expected for case in found}) >= outcomes, "the sample shows all kinds of outcomes"
