"""How the 52 shapes and their correctives follow a person.

Two ways are joined. The warp that reshapes the rest also carries where each vertex goes: what meets on the template, a
lid the other lid, a lip the other lip, meets on the person; but where the warp is crooked, shapes come out crooked and
fold. Deformation transfer keeps how each triangle turns and stretches, but knows of no meeting. So shapes are
transferred, and held to what the warp says where lids and lips meet, loosely elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from scipy.spatial import cKDTree

from core.blendshapes import COUNT, INDEX
from core.geometry.similarity import fit_similarity
from core.head_model.correctives import EXCESS, PairCorrective
from core.head_model.deformation_transfer import DeformationTransfer, Motion
from core.head_model.eyes import LEFT_LID_MARGIN, RIGHT_LID_MARGIN
from core.head_model.identity import INNER_LIP_PAIRS
from core.head_model.lid_clearance import pairs_off_eyes, shapes_off_eyes
from core.head_model.rig import HeadRig
from core.structures import FloatArray, IntArray

MADE_BY = "deformation transfer"
STIFF_PARTS = ("upperTeeth", "lowerTeeth", "tongue")
TRANSFERRED_PARTS = ("skin", "mouth")
NEGLIGIBLE_MOTION_M = 1e-5
MENDING_M = 0.0006  # correctives that move a vertex less only mend
REACH_M = 0.030  # over which transfer may drift away from what the warp says
MEETING_REACH_M = 0.0004  # the same where surfaces meet
MEETING_M, MEETING_FADE_M = 0.0012, 0.0040  # so near to a point that meets another a vertex is held; so far it is not
LID_CORNERS = (33, 133, 263, 362)  # they meet at rest already
MEETING_LIDS = tuple(p for p in (*LEFT_LID_MARGIN, *RIGHT_LID_MARGIN) if p not in LID_CORNERS)
MEETING_LIPS = tuple(point for pair in INNER_LIP_PAIRS for point in pair)
LIPS_SHUT, JAW = INDEX["mouthClose"], INDEX["jawOpen"]
"""Lips close on an open jaw, so that is where their motion is carried: the sum seals on any face."""


class Warp(Protocol):
    """A smooth motion of space."""

    def __call__(self, points: FloatArray) -> FloatArray:
        """(m, 3) points moved."""

    def slopes(self, points: FloatArray) -> FloatArray:
        """(m, 3, 3) at the points: [j, i] of where component i goes along axis j."""


class PersonalShapes:
    """Makes a person's shapes and correctives from the template's.

    rig: the template. warp: its motion onto the person. vertices (V, 3), joints (5, 3): the person's, at rest.
    """

    def __init__(self, rig: HeadRig, warp: Warp, vertices: FloatArray, joints: FloatArray) -> None:
        self._rig, self._warp, self._vertices, self._joints = rig, warp, vertices, joints
        faces = np.concatenate([rig.faces[rig.part(name).faces] for name in TRANSFERRED_PARTS])
        self._transfer = DeformationTransfer(rig.vertices.astype(np.float64), vertices, faces, rig.seam_groups)
        self._soft = np.zeros(len(vertices), bool)
        for name in TRANSFERRED_PARTS:
            self._soft[rig.part(name).vertices] = True
        weights, points = self._transfer.weights(), rig.landmarks().astype(np.float64)
        held = weights / MEETING_REACH_M**2
        self._loose = weights / REACH_M**2
        self._held = held * self._meeting(points[list(MEETING_LIDS)])
        self._held_lips = self._held + held * self._meeting(points[list(MEETING_LIPS)])
        self._slopes = warp.slopes(rig.vertices)

    def _meeting(self, points: FloatArray) -> FloatArray:
        """(V,) in [0, 1], how much a vertex of the template belongs to the points (n, 3)."""
        distance, _ = cKDTree(points).query(self._rig.vertices)
        return np.asarray(np.clip((MEETING_FADE_M - distance) / (MEETING_FADE_M - MEETING_M), 0.0, 1.0), np.float64)

    def shapes(self) -> FloatArray:
        """(52, V, 3) metres."""
        rest, own = self._rig.vertices, self._rig.shapes
        moved = (own**2).sum(axis=2) > NEGLIGIBLE_MOTION_M**2
        found, still = np.zeros(own.shape), np.zeros_like(self._vertices)
        for number in (*np.delete(np.arange(COUNT), LIPS_SHUT), LIPS_SHUT):
            found[number, moved[number]] = self._turned(own[number], np.flatnonzero(moved[number]))
            rows = np.flatnonzero(moved[number] & self._soft)
            before, upon, held = still, still, self._held[rows]
            if number == LIPS_SHUT:
                before, upon, held = own[JAW].astype(np.float64), found[JAW], self._held_lips[rows]
            after = before + own[number]
            meets = held > 0
            guess = found[number, rows]
            guess[meets] = self._warp((rest + after)[rows[meets]]) - (self._vertices + upon)[rows[meets]]
            found[number, rows] = self._transfer(Motion(rows, before, after, upon, guess, self._loose[rows] + held))
        return shapes_off_eyes(self._rig, self._vertices, self._joints, found)

    def _turned(self, displacement: FloatArray, rows: IntArray) -> FloatArray:
        """(n, 3) of `rows`, a (V, 3) displacement of the template as the warp turns and stretches it about the rest;
        teeth and tongue stiffly, as bones."""
        found = np.einsum("nj,nji->ni", displacement[rows].astype(np.float64), self._slopes[rows])
        for name in STIFF_PARTS:
            part = self._rig.part(name).vertices
            own = (rows >= part.start) & (rows < part.stop)
            if own.any():
                stiff = fit_similarity(self._rig.vertices[part].astype(np.float64), self._vertices[part])
                found[own] = stiff.scale * displacement[rows[own]] @ stiff.rotation.T
        return np.asarray(found, np.float64)

    def correctives(self, shapes: FloatArray) -> tuple[PairCorrective, ...]:
        """What the person needs beside two shapes. shapes: (52, V, 3) the person's."""
        pairs = tuple(self._pair(pair, shapes) for pair in self._rig.correctives)
        return pairs_off_eyes(self._rig, self._vertices, self._joints, shapes, pairs)

    def _pair(self, pair: PairCorrective, shapes: FloatArray) -> PairCorrective:
        shown = [INDEX[name] for name in ((pair.first,) if pair.weight == EXCESS else (pair.first, pair.second))]
        before, upon = self._rig.shapes[shown].sum(axis=0, dtype=np.float64), shapes[shown].sum(axis=0)
        rows, after = pair.rows, before.copy()
        after[rows] += pair.displacement
        moved = self._turned(after - before, rows)
        held = (self._held_lips if LIPS_SHUT in shown else self._held)[rows]
        meets = held > 0
        moved[meets] = self._carried(pair.displacement[meets], rows[meets], before, upon)
        soft = self._soft[rows]
        tie = (self._loose[rows] + held)[soft]
        motion = Motion(rows[soft], before, after, upon, moved[soft], tie, whole=pair.weight == EXCESS)
        moved[soft] = self._transfer(motion)
        return replace(pair, displacement=moved.astype(np.float32))

    def _carried(self, displacement: FloatArray, rows: IntArray, before: FloatArray, upon: FloatArray) -> FloatArray:
        """(n, 3) of `rows`, a corrective (n, 3) as the warp carries it. before, upon: (V, 3) both shapes on
        the template and on the person.

        Where it moves a vertex far, as a lid that must meet the other, the sum of all three is carried as a whole;
        where it mends a fold, only what it adds to the two: so it fades out as smoothly as the template's.
        """
        both = (self._rig.vertices + before)[rows]
        there = self._warp(both)
        far = np.clip((np.linalg.norm(displacement, axis=1, keepdims=True) - MENDING_M) / MENDING_M, 0.0, 1.0)
        missing = there - (self._vertices + upon)[rows]
        return np.asarray(self._warp(both + displacement) - there + far * missing, np.float64)
