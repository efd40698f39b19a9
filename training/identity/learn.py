"""Learns `core.rigging.face_gaussian` from drawn people: `python -m training.identity.learn DATA.npz ...`.

Every person counts twice, once mirrored, so that left and right are learned alike. A direction in which FaceMesh found
no face is filled by what the person's other directions let expect.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.blendshapes import ARKIT_NAMES, COUNT
from core.geometry.rotation import yaw_pitch_roll
from core.geometry.similarity import Similarity, fit_similarity
from core.head_model.builtin import load_builtin_rig
from core.head_model.identity import POSED_SHAPES, mirrored_landmarks
from core.rigging.face_gaussian import DIRECTIONS_DEG, FACE_POINTS, GAUSSIAN_FILE, AlignedFace, FaceGaussian
from core.tracking import LEFT_IRIS, RIGHT_IRIS

FORM_COMPONENTS, SEEN_COMPONENTS = 60, 64
NOISE_M = 0.0012 * np.sqrt(3)
SHRINKAGE = 0.004
SHAPE_RIDGE = 4.0
ANCHOR_MOTION_M = 0.002
DIRECTIONS = len(DIRECTIONS_DEG)
MIRRORED_DIRECTION = (0, 2, 1, 4, 3, 5, 6)


@dataclass
class Album:
    """All pictures. seen: (n, 468, 3) aligned; turn: (n, 2); iris: (n,) logarithms; person, direction: (n,);
    coefficients: (n, 52); form: (people, 468, 3) aligned truth; size, nearness: (people,)."""

    seen: np.ndarray
    turn: np.ndarray
    iris: np.ndarray
    person: np.ndarray
    direction: np.ndarray
    coefficients: np.ndarray
    form: np.ndarray
    size: np.ndarray
    nearness: np.ndarray


def mirrored_shapes() -> np.ndarray:
    """(52,) the shape on the other side."""
    swap = {"Left": "Right", "Right": "Left"}
    names = []
    for name in ARKIT_NAMES:
        side = next((s for s in swap if name.endswith(s)), None)
        names.append(name if side is None else name[: -len(side)] + swap[side])
    return np.array([ARKIT_NAMES.index(name) for name in names])


def anchor_weights() -> np.ndarray:
    """(468,) how still a point keeps when the face moves."""
    motion = np.linalg.norm(load_builtin_rig().shape_landmarks()[:, :FACE_POINTS], axis=2)
    strongest = np.sort(motion, axis=0)[-3:].mean(axis=0)
    return 1 / (1 + (strongest / ANCHOR_MOTION_M) ** 2)


def _aligned_mean(clouds: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(468, 3) mean of clouds (n, 468, 3) laid on each other, in the mean's own size, upright as the built-in head."""
    mean = load_builtin_rig().landmarks()[:FACE_POINTS].astype(float)
    for _ in range(3):
        mean = np.mean([fit_similarity(cloud, mean, weights).apply(cloud) for cloud in clouds], axis=0)
        other = mirrored_landmarks(load_builtin_rig().landmarks()[:FACE_POINTS].astype(float))
        mean = 0.5 * (mean + mean[other] * (-1, 1, 1))
    return mean


def read_album(paths: Sequence[Path]) -> tuple[Album, np.ndarray, np.ndarray, np.ndarray]:
    """(pictures, mean form, mean frontal seen face, anchor weights) of files drawn by `training.identity.draw`."""
    data = _joined(paths)
    weights = anchor_weights()
    other = mirrored_landmarks(load_builtin_rig().landmarks()[:FACE_POINTS].astype(float))
    ids, first, person = np.unique(data["person"], return_index=True, return_inverse=True)
    true = data["true"][first, :FACE_POINTS].astype(float)
    upright = data["points"].astype(float) * (1, -1, -1)
    iris = np.mean(
        [np.linalg.norm(upright[:, i[1], :2] - upright[:, i[3], :2], axis=1) for i in (LEFT_IRIS, RIGHT_IRIS)], axis=0
    )
    form_mean = _aligned_mean(true, weights)
    frontal = upright[data["direction"] == 0][:, :FACE_POINTS]
    seen_mean = _aligned_mean(frontal[::4], weights)
    fits = [fit_similarity(cloud[:FACE_POINTS], seen_mean, weights) for cloud in upright]
    seen = np.stack([fit.apply(cloud[:FACE_POINTS]) for fit, cloud in zip(fits, upright, strict=True)])
    turn = np.array([yaw_pitch_roll(fit.rotation.T)[:2] for fit in fits])
    log_iris = np.log(iris * np.array([fit.scale for fit in fits]))
    form_fits = [fit_similarity(cloud, form_mean, weights) for cloud in true]
    form = np.stack([fit.apply(cloud) for fit, cloud in zip(form_fits, true, strict=True)])
    size = -np.log([fit.scale for fit in form_fits])
    swap, count = np.array((*MIRRORED_DIRECTION, -1)), len(ids)
    album = Album(
        np.concatenate([seen, seen[:, other] * (-1, 1, 1)]), np.concatenate([turn, turn * (-1, 1)]),
        np.tile(log_iris, 2),
        np.concatenate([person, person + count]), np.concatenate([data["direction"], swap[data["direction"]]]),
        np.concatenate([data["coefficients"], data["coefficients"][:, mirrored_shapes()]]),
        np.concatenate([form, form[:, other] * (-1, 1, 1)]), np.tile(size, 2), np.tile(1 / data["distance"][first], 2),
    )  # fmt: skip
    return album, form_mean, seen_mean, weights


def _joined(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    files = []
    for path in paths:
        with np.load(path) as stored:
            files.append({key: stored[key] for key in stored.files})
    return {key: np.concatenate([file[key] for file in files]) for key in files[0]}


def _principal(rows: np.ndarray, count: int) -> np.ndarray:
    """(count, d) orthonormal directions of greatest spread of rows (n, d) about zero."""
    vectors = np.linalg.eigh(rows.T @ rows)[1]
    return vectors[:, ::-1][:, :count].T


def learn(album: Album, people: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The arrays of `FaceGaussian`, from these people (all when left out), less the means that `read_album` gives."""
    chosen = np.ones(len(album.form), bool) if people is None else people
    at = chosen[album.person]
    seen = album.seen.reshape(len(album.seen), -1)
    turn_mean, turn_slope = np.zeros((DIRECTIONS, 2)), np.zeros((DIRECTIONS, 2, seen.shape[1]))
    seen_mean = np.zeros((DIRECTIONS, seen.shape[1]))
    for number in range(DIRECTIONS):
        own = at & (album.direction == number)
        turn_mean[number] = album.turn[own].mean(axis=0)
        design = np.column_stack([np.ones(own.sum()), album.turn[own] - turn_mean[number]])
        solved = np.linalg.lstsq(design, seen[own], rcond=None)[0]
        seen_mean[number], turn_slope[number] = solved[0], solved[1:]
    form_mean = album.form[chosen].mean(axis=0)
    form_rows = (album.form - form_mean).reshape(len(album.form), -1)
    form_basis = _principal(form_rows[chosen], FORM_COMPONENTS)
    rest = {n: album.direction == n for n in range(DIRECTIONS)}
    level = np.zeros_like(seen)
    for number, own in rest.items():
        level[own] = (
            seen[own]
            - seen_mean[number]
            - np.einsum("na,ad->nd", album.turn[own] - turn_mean[number], turn_slope[number])
        )
    seen_basis = _principal(level[at & (album.direction >= 0)], SEEN_COMPONENTS)
    mean, covariance = _joint(album, chosen, form_rows @ form_basis.T, level @ seen_basis.T)
    values, vectors = np.linalg.eigh(covariance)
    arrays = {
        "form_mean": form_mean, "form_basis": form_basis, "seen_mean": seen_mean.reshape(DIRECTIONS, FACE_POINTS, 3),
        "seen_basis": seen_basis, "turn_mean": turn_mean, "turn_slope": turn_slope, "mean": mean,
        "factor": vectors * np.sqrt(np.maximum(values, 0)), "noise": np.float64(NOISE_M),
        "shape_deviation": shape_deviations(),
    }  # fmt: skip
    arrays["shown_shapes"], arrays["motion_noise"] = _shown_shapes(album, at, seen), np.zeros(1)
    arrays["motion_noise"] = _motion_noise(album, at, arrays)
    return arrays


def shape_deviations() -> np.ndarray:
    """(52,) how strongly people do each shape in photos, 0 for those that are not looked for."""
    return np.array([max((d for n, d in POSED_SHAPES.items() if a.startswith(n)), default=0.0) for a in ARKIT_NAMES])


def _joint(album: Album, chosen: np.ndarray, form: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of everything known of a person; shrunk towards its diagonal."""
    blocks = np.full((len(album.form), DIRECTIONS, seen.shape[1] + 1), np.nan)
    for number in range(DIRECTIONS):
        own = album.direction == number
        blocks[album.person[own], number] = np.column_stack([seen[own], album.iris[own]])
    rows = np.column_stack([form, album.size, album.nearness, blocks.reshape(len(blocks), -1)])[chosen]
    missing = np.isnan(rows)
    rows = np.where(missing, np.nanmean(rows, axis=0), rows)
    for _ in range(3):
        mean, covariance = rows.mean(axis=0), np.cov(rows.T)
        for person in np.flatnonzero(missing.any(axis=1)):
            gone, here = missing[person], ~missing[person]
            inner = covariance[np.ix_(here, here)] + 1e-9 * np.eye(here.sum())
            known = np.linalg.solve(inner, rows[person, here] - mean[here])
            rows[person, gone] = mean[gone] + covariance[np.ix_(gone, here)] @ known
    covariance = (1 - SHRINKAGE) * np.cov(rows.T) + SHRINKAGE * np.diag(rows.var(axis=0))
    return rows.mean(axis=0), covariance


def _shown_shapes(album: Album, at: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(52, 1404) displacement of the reported points at coefficient 1, from the person's own resting faces."""
    design = lambda turn: np.column_stack([np.ones(len(turn)), turn, turn[:, 0] ** 2])  # noqa: E731
    displaced, coefficients = [], []
    for person in np.unique(album.person[at]):
        own = album.person == person
        rest, moved = own & (album.direction >= 0), own & (album.direction < 0)
        if rest.sum() < 6 or not moved.any():
            continue
        solved = np.linalg.lstsq(design(album.turn[rest]), seen[rest], rcond=None)[0]
        typical = album.coefficients[rest].mean(axis=0)
        displaced.append(seen[moved] - design(album.turn[moved]) @ solved)
        coefficients.append(album.coefficients[moved] - typical)
    y, x = np.concatenate(displaced), np.concatenate(coefficients).astype(float)
    return np.linalg.solve(x.T @ x + SHAPE_RIDGE * np.eye(COUNT), x.T @ y)


def _motion_noise(album: Album, at: np.ndarray, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """(C,) variance that an expression, taken out, leaves in each component, by the sum of its coefficients, beyond
    what resting pictures differ by."""
    gaussian = FaceGaussian({**arrays, "anchor_weights": np.ones(FACE_POINTS)})
    squares, sums = np.zeros(SEEN_COMPONENTS), 0.0
    codes: dict[int, list[np.ndarray]] = {}
    moved: list[tuple[int, np.ndarray, float]] = []
    for k in np.flatnonzero(at & (album.person % 4 == 0)):
        face = gaussian.at_rest(AlignedFace(album.seen[k], album.turn[k], Similarity(1.0, np.eye(3), np.zeros(3)), 0.0))
        code = (face.points - gaussian.seen_mean[face.direction]).reshape(-1) @ gaussian.seen_basis.T
        if album.direction[k] >= 0:
            codes.setdefault(int(album.person[k]), []).append(code)
        else:
            moved.append((int(album.person[k]), code, float(face.blendshapes.sum())))
    still = np.mean([np.var(rest, axis=0, ddof=1) for rest in codes.values() if len(rest) > 2], axis=0)
    for person, code, amount in moved:
        if person in codes and amount > 0.2:
            squares += (code - np.mean(codes[person], axis=0)) ** 2 - still
            sums += amount
    return np.maximum(squares / max(sums, 1e-9), 0.0)


def save(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Writes what `load_face_gaussian` reads; half precision where it suffices."""
    single = {"motion_noise", "mean", "turn_mean", "form_mean", "seen_mean"}
    small = {k: v.astype(np.float32 if k in single else np.float16) for k, v in arrays.items() if k != "noise"}
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **small, noise=arrays["noise"], names=np.array(ARKIT_NAMES))


def main() -> None:
    parser = argparse.ArgumentParser(description="Learn how FaceMesh sees faces.")
    parser.add_argument("data", type=Path, nargs="+")
    album, _, _, weights = read_album(parser.parse_args().data)
    save({**learn(album), "anchor_weights": weights}, GAUSSIAN_FILE)
    print(
        f"{len(album.form) // 2} people, {len(album.seen) // 2} pictures, {GAUSSIAN_FILE.stat().st_size / 1000:.0f} kB"
    )


if __name__ == "__main__":
    main()
