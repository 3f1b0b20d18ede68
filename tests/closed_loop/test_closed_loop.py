"""A sample of `make closed-loop`: a robot among people, with the node in the loop over DDS, judged as there."""

import places
from closed_loop import Drive

# Of these one is out of reach. The office has doors, corners and tables; people come as near as in the long run.
GOALS, PEOPLE = 8, 8


def test_every_goal_is_reached_or_rightly_refused_and_no_plan_leads_into_anything(context, tmp_path):
    drive = Drive(context, places.ROOT / "tests/maps/pal_office/map.yaml", PEOPLE, 7, tmp_path)
    drive.run(GOALS)
    print(drive.figures)
    values = drive.figures.values()
    assert not drive.figures.faults()
    assert values["goals"] == {"reached": GOALS - 1, "refused": 1}
    # The loop was closed: it drove by plans, among people whom the node heard of.
    assert values["distance_m"] > 10.0 and values["sources"].get("model", 0) > 0
    assert values["nearest_m"]["wall"] > 0.0
    assert drive.judge.updates > 20
