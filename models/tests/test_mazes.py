import numpy as np
import pytest
import torch

from trm_train import mazes, train
from trm_train.maze_slots import MazeSlots, right_mazes
from trm_train.official import FREE, GOAL, PATH, START, WALL, Official

CONFIG = {
    "name": "tiny",
    "task": "mazes",
    "seed": 1,
    "threads": 1,
    "model": {"d": 16, "side": 8, "heads": 2, "layers": 1, "n": 1, "T": 2, "prefix": 2, "inner": 16},
    "stages": [
        {
            "windows": [[8, 4, 1.0]],
            "iterations": 4,
            "learning_rate": 1e-3,
            "steps": 3,
            "kinds": ["noise", "boxes"],
            "apart": 3,
        }
    ],
}


def test_the_path_is_shortest_and_the_first_of_equal_ones():
    world = np.zeros((4, 5), np.bool_)
    world[1, 1:4] = True
    # North and south of the wall are equally long; east comes before south, and north before both.
    assert mazes.path(world, 0, 0, 0, 4).tolist() == [[0, c] for c in range(5)]
    assert mazes.path(world, 2, 1, 0, 1).tolist() == [[2, 1], [2, 0], [1, 0], [0, 0], [0, 1]]
    world[:, 2] = True
    assert len(mazes.path(world, 0, 0, 0, 4)) == 0
    assert mazes.maze(world, (0, 0), (0, 4)) is None


def test_a_maze_has_one_start_one_goal_and_a_path_between_them():
    source = mazes.Source(8, 3, [0, 1], 4)
    for _ in range(20):
        maze = source.sample()
        assert (maze.tokens == START).sum() == (maze.tokens == GOAL).sum() == 1
        np.testing.assert_array_equal(np.where(maze.answer == PATH, FREE, maze.answer), maze.tokens)
        on = np.argwhere(np.isin(maze.answer, (START, GOAL, PATH)))
        beside = [(abs(on - cell).sum(1) == 1).sum() for cell in on]
        assert len(on) >= 5 and min(beside) == 1
        assert not (maze.answer[maze.tokens == WALL] == PATH).any()


@pytest.fixture
def slots() -> MazeSlots:
    torch.manual_seed(0)
    stage = CONFIG["stages"][0]
    return MazeSlots(Official(**CONFIG["model"]), MazeSlots.source(CONFIG, stage, 8, 1), 4, stage, np.random.default_rng(0))


def test_a_maze_is_replaced_when_q_says_that_it_is_solved_or_after_its_steps(slots):
    before = slots.tokens.clone()
    slots.y[:] = 5.0
    logits = torch.nn.functional.one_hot(slots.answers, 6) * 9.0
    slots.judge(logits, torch.tensor([1.0, -1.0, 1.0, -1.0]))
    slots.least[:] = torch.tensor([0.0, 0.0, 2.0, 0.0])
    slots.step[3] = 3
    slots.replace_finished()
    assert [torch.equal(a, b) for a, b in zip(before, slots.tokens, strict=True)] == [False, True, True, False]
    for slot, kept in enumerate((False, True, True, False)):
        assert (slots.y[slot] == 5.0).all() == kept
        assert slots.step[slot] == (1 if kept else 0)


def test_the_loss_asks_for_every_token_and_q_for_whole_mazes(slots):
    right = torch.nn.functional.one_hot(slots.answers, 6) * 50.0
    wrong = right.clone()
    wrong[0, 0] = wrong[0, 0].roll(1)
    assert right_mazes(right, slots.answers).all() and right_mazes(wrong, slots.answers).tolist() == [
        False,
        True,
        True,
        True,
    ]
    sure = torch.full((4,), 20.0)
    assert slots.judge(right, sure)[0] < 1e-6
    loss, figures = slots.judge(wrong, sure)
    assert figures[0].item() == pytest.approx(50 / (4 * 64), rel=1e-3) and figures[1] == 0.75
    assert loss.item() == pytest.approx(figures[0].item() + 0.5 * 20 / 4, rel=1e-3)


@pytest.mark.parametrize("heads", [2, 0])
def test_every_trained_weight_learns(tmp_path, heads):
    torch.manual_seed(0)
    config = CONFIG | {"model": CONFIG["model"] | {"heads": heads, "mixer": 24}}
    run = train.Run(config, tmp_path)
    before = {name: p.detach().clone() for name, p in run.model.named_parameters() if p.requires_grad}
    batches = train.batches(run, config, 0, 1)
    for _ in range(3):
        assert np.isfinite(train.train_batch(run, run.model, next(batches), 1e-2)).all()
    after = dict(run.model.named_parameters())
    assert [name for name, p in before.items() if torch.equal(p, after[name])] == []


def test_bad_configs_name_the_field():
    stage = CONFIG["stages"][0]
    with pytest.raises(ValueError, match="stages.windows: 9 is not model.side, 8"):
        MazeSlots.source(CONFIG, stage, 9, 1)
    with pytest.raises(ValueError, match="stages.kinds: 'fog'"):
        MazeSlots.source(CONFIG, stage | {"kinds": ["fog"]}, 8, 1)
    with pytest.raises(ValueError, match="task: 'chess' is not one of field, mazes"):
        train.task_of(CONFIG | {"task": "chess"})


def test_the_log_says_how_many_mazes_are_solved():
    torch.manual_seed(0)
    line = MazeSlots.quick(Official(**CONFIG["model"]).eval(), CONFIG)
    assert line.startswith("solved (path cells found) by step | ") and line.count("(") == 4
