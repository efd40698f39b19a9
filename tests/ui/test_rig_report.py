from __future__ import annotations

from ui.rig_report import absent_heads, report_lines

DETAILS = {
    "head": "ict",
    "pictures_given": 3,
    "pictures_used": 2,
    "face_seen": 0.71,
    "halves_differ_mm": 1.44,
    "expected_error_mm": 2.04,
    "expression_removed": {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.5, "jawOpen": 0.2},
    "unreachable": [],
}


def put(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"something")


def test_measures_are_told_in_plain_words():
    base, pictures, seen, agreement, error, removed = report_lines(DETAILS)
    assert base == "Base head: ICT-FaceKit."
    assert pictures == "2 of 3 pictures used; the others show no whole face, or say less about it."
    assert seen.startswith("71 % of the face's skin was seen") and "other side" in seen
    assert agreement == "Heads from either half of the pictures differ by 1.4 mm: they agree well."
    assert error == "Points of the face are expected to be off by 2.0 mm."
    assert removed == "Taken out of the photo's expression: mouth smile, jaw open."


def test_few_pictures_agree_with_nothing_and_pictures_of_two_people_are_suspected():
    few = {key: value for key, value in DETAILS.items() if key != "halves_differ_mm"}
    assert not any("agree" in line for line in report_lines(few))
    assert any("one person?" in line for line in report_lines({**DETAILS, "halves_differ_mm": 9.0}))
    assert report_lines({**DETAILS, "remarks": ["Two faces."]})[-1] == "Two faces."


def test_borrowed_shapes_are_named():
    lines = report_lines({**DETAILS, "head": "flame", "unreachable": ["cheekPuff", "tongueOut"]})
    assert lines[-1] == "Borrowed from the built-in head, for FLAME cannot make them: cheek puff, tongue out."


def test_refinement_by_shading_is_told_where_it_was_done():
    done = report_lines({**DETAILS, "shading_moved_mm": 1.27})
    assert "The skin's shading refined the form: points of the face moved by 1.3 mm." in done
    assert not any("shading" in line for line in report_lines(DETAILS))


def test_a_head_that_was_not_made_or_says_nonsense_is_not_reported_on():
    assert report_lines({"head": "builtin"}) == ()
    odd = {"pictures_used": 1, "face_seen": "much", "expression_removed": [1], "unreachable": "all", "head": 7}
    assert report_lines(odd) == ("Base head: 7.", "One picture used.")


def test_absent_heads_are_one_line_and_a_lone_flame_model_says_what_it_lacks(tmp_path):
    (line,) = absent_heads(tmp_path)
    assert "ICT-FaceKit and FLAME" in line and "models list" in line and "\n" not in line
    put(tmp_path, "FLAME2020/generic_model.pkl")
    lacking, other = absent_heads(tmp_path)
    assert "landmark_embedding.npy" in lacking and "FLAME" not in other
    put(tmp_path, "landmark_embedding.npy")
    put(tmp_path, "ict_facekit.npz")
    assert absent_heads(tmp_path) == ()
