"""Fits the classifier of a router to what `trm eval --router` measured of each of its bundles:

    trm eval --router router.yaml --generated 64 --queries 2000 --deadline-ms 5 --json measured.json
    python -m trm_train.router measured.json router.yaml

writes bias, weights and `fitted` into router.yaml and leaves everything else in it. A query counts for the bundle that
solves it best: a path before none, then the cheaper one (to whole percents), then the faster one. Multinomial logistic
regression with a penalty on the weights, by Newton's method: the same file gives the same numbers.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import yaml

FEATURES = ["unknown", "free", "narrow", "branching", "distance", "detour"]
PENALTY = 1e-2
STEPS = 50


def best_bundle(answers: list[dict]) -> int | None:
    """Whose answer is the best; None when nobody has a path. `answers` are those of the bundles alone."""
    solved = ((at, answer) for at, answer in enumerate(answers) if answer["ratio"] is not None)
    keys = [(round(answer["ratio"], 2), answer["ms"], at) for at, answer in solved]
    return min(keys)[2] if keys else None


def fit(features: np.ndarray, labels: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Bias [classes] and weights [classes, features] that make the labels [n] probable; `features` is [n, features]."""
    n, inputs = features.shape
    ones = np.hstack([np.ones((n, 1)), features])
    wanted = np.eye(classes)[labels]
    parameters = np.zeros((classes, inputs + 1))
    penalty = PENALTY * np.eye(inputs + 1)
    penalty[0, 0] = PENALTY * 1e-3
    for _ in range(STEPS):
        scores = ones @ parameters.T
        scores -= scores.max(axis=1, keepdims=True)
        found = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        gradient = (found - wanted).T @ ones / n + parameters @ penalty
        # The blocks of the Hessian by pairs of classes.
        hessian = np.zeros((classes * (inputs + 1),) * 2)
        for one in range(classes):
            for other in range(classes):
                factor = found[:, one] * ((one == other) - found[:, other])
                block = (ones * factor[:, None]).T @ ones / n + (one == other) * penalty
                rows, cols = (slice(at * (inputs + 1), (at + 1) * (inputs + 1)) for at in (one, other))
                hessian[rows, cols] = block
        parameters -= np.linalg.solve(hessian, gradient.ravel()).reshape(parameters.shape)
    return parameters[:, 0], parameters[:, 1:]


def fitted(measured: dict, router: dict) -> dict:
    """The router with the classifier that fits the measured samples."""
    bundles = len(router["bundles"])
    rows = [(sample["features"], best_bundle(sample["answers"][:bundles])) for sample in measured["samples"]]
    rows = [(features, label) for features, label in rows if label is not None]
    if not rows:
        raise ValueError("samples: no bundle has solved any query")
    features, labels = np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows])
    if features.shape[1] != len(FEATURES):
        raise ValueError(f"samples: {features.shape[1]} features are not {len(FEATURES)}")
    bias, weights = fit(features, labels, bundles)
    chosen = np.argmax(features @ weights.T + bias, axis=1)
    about = {
        "queries": len(measured["samples"]),
        "seed": measured["seed"],
        "window": measured["window"],
        "budget": measured["budget"],
        "best_for": np.bincount(labels, minlength=bundles).tolist(),
        "agrees": round(float(np.mean(chosen == labels)), 4),
    }
    classifier = {"features": FEATURES, "bias": bias.round(6).tolist(), "weights": weights.round(6).tolist()}
    return router | {"classifier": classifier, "fitted": about}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path, help="what `trm eval --router` wrote with --json")
    parser.add_argument("router", type=Path, help="router.yaml, which is written anew")
    args = parser.parse_args()
    router = fitted(json.loads(args.measured.read_text()), yaml.safe_load(args.router.read_text()))
    args.router.write_text(yaml.safe_dump(router, sort_keys=False, default_flow_style=None, width=120))
    print(router["fitted"])


if __name__ == "__main__":
    main()
