import numpy as np
import pytest

from core.errors import InputError
from core.rendering.pictures import LABEL_HEIGHT_PX, compose_sheet, compose_side_by_side, render_sheet
from core.structures import FaceState
from tests.builders import tiny_rig


def plain(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_side_by_side_keeps_the_left_and_scales_the_right():
    joined = compose_side_by_side(plain(100, 150, 10), plain(50, 40, 200), gap_px=4)
    assert joined.shape == (100, 150 + 4 + 80, 3)
    assert (joined[:, :150] == 10).all()
    assert (joined[:, 150:154] == 0).all()
    assert (joined[:, 154:] == 200).all()


def test_sheet_fills_rows_and_writes_labels():
    pictures = [plain(40, 60, 20 * i) for i in range(5)]
    sheet = compose_sheet(pictures, 2, ["a", "b", "c", "d", "e"])
    cell = 40 + LABEL_HEIGHT_PX
    assert sheet.shape == (3 * cell, 120, 3)
    for i, picture in enumerate(pictures):
        row, column = divmod(i, 2)
        assert (sheet[row * cell : row * cell + 40, column * 60 : column * 60 + 60] == picture).all()
        assert sheet[row * cell + 40 : (row + 1) * cell, column * 60 : column * 60 + 60].std() > 5


def test_sheet_says_what_it_lacks():
    with pytest.raises(InputError, match="pictures and columns"):
        compose_sheet([], 2)
    with pytest.raises(InputError, match="label for each"):
        compose_sheet([plain(4, 4, 0)], 1, ["a", "b"])


def test_rendered_sheet_holds_every_state():
    states = [FaceState(0.0), FaceState(0.0, blendshapes=np.ones(52, np.float32))]
    sheet = render_sheet(tiny_rig(), states, columns=2, tile_size=(64, 64))
    assert sheet.shape == (64, 128, 3)
    assert (sheet[:, :64] != sheet[:, 64:]).any()
