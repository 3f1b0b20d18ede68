import numpy as np
from PIL import Image

from trm_train import curves

HEAD = "stage,iteration,seconds,loss,right,q_loss,rest\n"


def test_a_log_becomes_a_picture(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(HEAD + "".join(f"{i // 5},{i},{60 * i},{2 / (i + 1)},{i / 10},0.3,nan\n" for i in range(10)))
    picture = curves.draw(log)
    assert picture == tmp_path / "curves.png"
    pixels = np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3)
    assert len(pixels) > 100_000
    # A coloured line for each of the two stages.
    colours, count = np.unique(pixels[np.ptp(pixels, 1) > 60], axis=0, return_counts=True)
    assert (count > 300).sum() >= 2


def test_without_rows_there_is_no_picture(tmp_path):
    log = tmp_path / "log.csv"
    assert curves.draw(log) is None
    log.write_text(HEAD)
    assert curves.draw(log) is None
    assert not (tmp_path / "curves.png").exists()
