"""The neutral of a whole take: a known one is found again, a held face stays, and damaged files are refused."""

import numpy as np
import pytest

from core.blendshapes import ARKIT_NAMES, COUNT, INDEX, MIRROR
from core.errors import ModelPackError
from core.expression.take_neutral import MOVEMENTS_FILE, landmark_movements, load_movements, neutral_of_take
from core.head_model.identity import mirrored_landmarks
from core.structures import LANDMARK_COUNT

SMILE = [INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"]]


def away_mm(one, other):
    return 1000 * np.linalg.norm(one - other, axis=1)


@pytest.fixture
def person(rest):
    """(478, 3) metres: somebody broader and longer than the built-in head."""
    return rest * (1.06, 1.03, 0.97)


def take_of(person, coefficients, seed=0):
    """(n, 478, 3) the person's points with these coefficients and a camera's noise of 0.3 mm."""
    noise = np.random.default_rng(seed).normal(0, 3e-4, (len(coefficients), LANDMARK_COUNT, 3))
    return person + np.tensordot(coefficients, landmark_movements(), 1) + noise


def reader_of(points, share=0.7):
    """Tells from a neutral what the movements explain, least squares, and as networks do too little of it."""
    flat = landmark_movements().reshape(COUNT, -1)
    inverse = np.linalg.solve(flat @ flat.T + 1e-7 * np.eye(COUNT), flat)

    def tell(neutral):
        return share * np.clip((points - neutral).reshape(len(points), -1) @ inverse.T, 0.0, 1.0)

    return tell


def speaking(count=200):
    """(n, 52) a mouth that opens and shuts all the time, and a smile that comes twice."""
    at = np.arange(count)
    values = np.zeros((count, COUNT))
    values[:, INDEX["jawOpen"]] = 0.35 * (1 + np.sin(at / 3)) / 2
    values[:, SMILE] = (0.7 * np.exp(-(((at % 100) - 50) ** 2) / 200))[:, None]
    return values


def test_a_known_neutral_comes_back_from_a_wrong_first_second(person):
    coefficients = speaking()
    points = take_of(person, coefficients)
    start = person + 0.5 * landmark_movements()[SMILE].sum(0)  # smiled in the first second
    found = neutral_of_take(points, start, lambda _neutral: coefficients)
    assert away_mm(found, person).max() < 0.2
    found = neutral_of_take(points, start, reader_of(points))
    assert away_mm(found, person).mean() < 0.35 * away_mm(start, person).mean()


def test_frames_that_show_something_else_do_not_move_it(person):
    coefficients = speaking()
    points = take_of(person, coefficients)
    points[::5] += np.random.default_rng(1).normal(0, 0.05, (40, LANDMARK_COUNT, 3))
    found = neutral_of_take(points, person, lambda _neutral: coefficients)
    assert away_mm(found, person).max() < 0.4


@pytest.mark.parametrize("channels", [SMILE, [INDEX["jawOpen"]]])
def test_a_face_held_throughout_does_not_sink_into_it(person, channels):
    coefficients = speaking()
    coefficients[:, channels] = 0.6
    points = take_of(person, coefficients)
    tell = reader_of(points)
    found = neutral_of_take(points, person, tell)
    assert tell(found)[:, channels].mean() > 0.85 * tell(person)[:, channels].mean()


def test_whoever_smiles_now_and_then_loses_nothing_of_the_smile(person):
    points = take_of(person, speaking())
    tell = reader_of(points)
    found = neutral_of_take(points, person, tell)
    assert tell(found)[:, SMILE].max() > 0.95 * tell(person)[:, SMILE].max()
    assert away_mm(found, person).mean() < 0.5


def test_it_is_asked_twice_and_gives_what_went_in_nothing(person):
    points = take_of(person, speaking())
    before, start, asked = points.copy(), person.copy(), []
    reader = reader_of(points)

    def tell(neutral):
        asked.append(neutral)
        return reader(neutral)

    found = neutral_of_take(points, start, tell)
    assert found.shape == (LANDMARK_COUNT, 3) and np.isfinite(found).all()
    assert len(asked) == 2
    np.testing.assert_array_equal(points, before)
    np.testing.assert_array_equal(start, person)


def test_the_movements_are_those_of_a_face(rest):
    moves = landmark_movements()
    other = mirrored_landmarks(rest)
    np.testing.assert_allclose(moves[list(MIRROR)][:, other] * (-1, 1, 1), moves, atol=2e-5)
    chin, corner, upper_lid = 152, 291, 386  # the subject's left
    assert moves[INDEX["jawOpen"], chin, 1] < -0.005
    assert moves[INDEX["mouthSmileLeft"], corner, 1] > 0.002
    assert moves[INDEX["mouthSmileLeft"], corner, 1] > 2 * moves[INDEX["mouthSmileRight"], corner, 1]
    assert moves[INDEX["eyeBlinkLeft"], upper_lid, 1] < -0.002


def stored(path, **changes):
    with np.load(MOVEMENTS_FILE) as shipped:
        np.savez(path, **({name: shipped[name] for name in shipped.files} | changes))
    return path


def test_a_damaged_file_is_refused(tmp_path):
    np.testing.assert_array_equal(load_movements(stored(tmp_path / "same.npz")), landmark_movements())
    bad = np.full((COUNT, LANDMARK_COUNT, 3), np.nan)
    for number, changes in enumerate(
        [{"movements": bad}, {"movements": bad[:, :9]}, {"names": np.array(ARKIT_NAMES[::-1])}]
    ):
        with pytest.raises(ModelPackError):
            load_movements(stored(tmp_path / f"{number}.npz", **changes))
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("text.npz", "absent.npz"):
        with pytest.raises(ModelPackError, match=name):
            load_movements(tmp_path / name)
