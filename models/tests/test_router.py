import numpy as np
import pytest

from trm_train import router

ROUTER = {"format": 1, "bundles": ["a", "b"], "budget_us": 200.0, "min_confidence": 0.5}


def sample(narrow: float, ratios: list[float | None], times: list[float] = (1.0, 1.0)) -> dict:
    answers = [{"ratio": ratio, "ms": ms} for ratio, ms in zip(ratios, times, strict=True)]
    # The router's own answer comes last, and isn't looked at.
    return {"features": [0.0, 0.5, narrow, 0.0, 0.5, 1.0], "answers": [*answers, {"ratio": 1.0, "ms": 0.0}]}


def measured(samples: list[dict]) -> dict:
    return {"samples": samples, "seed": 1, "window": 64, "budget": {"steps": 8}}


def test_a_path_comes_before_none_then_the_cheaper_one_then_the_faster_one():
    best = lambda *answers: router.best_bundle([{"ratio": ratio, "ms": ms} for ratio, ms in answers])  # noqa: E731
    assert best((None, 0.1), (1.5, 9.0)) == 1
    assert best((1.2, 0.1), (1.0, 9.0)) == 1
    assert best((1.001, 0.1), (1.0, 9.0)) == 0
    assert best((None, 0.1), (None, 0.2)) is None


def test_what_separates_the_bundles_is_found_and_the_rest_of_the_file_stays():
    narrow = np.random.default_rng(1).random(400)
    samples = [sample(x, [1.0, None] if x < 0.5 else [None, 1.0]) for x in narrow] + [sample(0.1, [None, None])]
    found = router.fitted(measured(samples), ROUTER)
    assert {key: found[key] for key in ROUTER} == ROUTER
    assert found["fitted"]["agrees"] > 0.95 and sum(found["fitted"]["best_for"]) == 400
    weights, bias = np.array(found["classifier"]["weights"]), np.array(found["classifier"]["bias"])
    scores = lambda x: weights @ sample(x, [1.0, 1.0])["features"] + bias  # noqa: E731
    assert np.argmax(scores(0.2)) == 0 and np.argmax(scores(0.8)) == 1
    assert found == router.fitted(measured(samples), ROUTER)


def test_samples_that_teach_nothing_are_refused():
    with pytest.raises(ValueError, match="samples: no bundle has solved any query"):
        router.fitted(measured([sample(0.5, [None, None])]), ROUTER)
