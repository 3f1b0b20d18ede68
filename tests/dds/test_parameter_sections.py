"""Which sections of parameter files apply to the node: what rclpy makes of the same files and arguments, it must make, too.
The forms are those of tests/strangers/sections.py.
"""

import itertools
import os
import random

import pytest
import rclpy
from rclpy.context import Context

import worlds  # noqa: F401 (the modules of tests/strangers can be imported after it)
import sections
from bench import Bench
from sections import FORMS, NAMES, NODES, assigned


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A graph of its own: nodes of the other tests have the same names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(int(os.environ["ROS_DOMAIN_ID"]) % 100 + 1))
        context = Context()
        rclpy.init(context=context)
        yield Bench(context, tmp_path_factory.mktemp("sections"))
        context.try_shutdown()


@pytest.mark.parametrize("namespace, name", NODES)
def test_each_form_of_a_section(bench, namespace, name):
    cases = list(sections.cases(bench, [(namespace, name)]))
    assert not [str(case) for case in cases if not case.is_same]
    assert {case.expected for case in cases} == {"applies", "doesn't apply"}


@pytest.mark.parametrize("seed", range(8))
def test_several_files_and_arguments(bench, seed):
    """Sections in any order, in up to three files, with parameters on the command line before and after them."""
    rng = random.Random(seed)
    numbers = itertools.count(20)
    namespace, name = NODES[seed % len(NODES)]
    files = [[(form, assigned(numbers, rng.sample(NAMES, rng.randint(1, 6))))
              for form in rng.sample(FORMS, rng.randint(1, 8))] for _ in range(rng.randint(1, 3))]
    own = name or "trm_node"

    def arguments() -> list[str]:
        given = assigned(numbers, rng.sample(NAMES, rng.randint(0, 3)))
        prefix = rng.choice(["", "", f"{own}:", "other:"])
        return [part for parameter, value in given.items() for part in ("-p", f"{prefix}{parameter}:={value}")]

    result = sections.compare(bench, namespace, name, files, arguments(), arguments())
    assert result.found == result.expected
