"""What colcon finds in this repository."""

import pathlib

import pytest

tomllib = pytest.importorskip("tomllib")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def is_seen(folder: pathlib.Path) -> bool:
    """Whether colcon would come by: it enters no folder with a COLCON_IGNORE, nor one whose name begins with a dot."""
    inside = [ROOT / part for part in (folder.relative_to(ROOT), *folder.relative_to(ROOT).parents)]
    return not any((part / "COLCON_IGNORE").exists() or part.name.startswith(".") for part in inside if part != ROOT)


def test_colcon_is_told_of_every_package():
    """colcon-cargo looks in a workspace at Cargo's members and at what `additional-packages` names, nowhere else."""
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    told = {*workspace["members"], *workspace["metadata"]["colcon"]["additional-packages"]}
    packages = {file.parent for file in ROOT.rglob("package.xml") if is_seen(file.parent) and "target" not in file.parts}
    names = {str(folder.relative_to(ROOT)) for folder in packages}
    assert {"trm_node/msgs", "trm_node/ros"} == names and names <= told
