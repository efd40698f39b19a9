"""The data engine and the trainer of the speech network, without any synthesiser."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.animation.take import Take
from core.audio.features import FEATURES
from core.bench.speech_measures import CLOSED_GAP, lip_gap
from core.blendshapes import INDEX
from core.structures import FaceState

torch = pytest.importorskip("torch")

from training.speech.articulation import MOVED, articulate  # noqa: E402
from training.speech.draw import Lessons, quiet_clip, speech_clip  # noqa: E402
from training.speech.learn import Learner, LearnSettings  # noqa: E402
from training.speech.lessons import School, change_features  # noqa: E402
from training.speech.losses import LossWeights, disagreement, face_loss, spreads_of  # noqa: E402
from training.speech.moods import mood_rows, mood_shares  # noqa: E402
from training.speech.muon import Muon  # noqa: E402
from training.speech.sound_changes import SoundChanges, change, noise, stretched, to_feature_rate, tones  # noqa: E402
from training.speech.sounds import SOUND_INDEX, Segment, segments_of, sounds_of  # noqa: E402
from training.speech.takes import take_clip  # noqa: E402
from training.speech.texts import SYLLABLES, sentence  # noqa: E402
from training.speech.voices import Spoken  # noqa: E402


def spell(*sounds, length_s=0.1, plosive=True):
    """Segments of equal length in a row, with silence around."""
    names = ["sil", "sil", "sil", *sounds, "sil", "sil", "sil", "sil"]
    return [
        Segment(name, length_s * i, length_s * (i + 1), plosive=plosive and name == "PP")
        for i, name in enumerate(names)
    ]


def track(blendshapes, name):
    return blendshapes[:, INDEX[name]]


@pytest.mark.parametrize("length_s", [0.03, 0.05, 0.08, 0.2])
@pytest.mark.parametrize("neighbour", ["AA", "IY", "UW", "SS", "CH"])
@pytest.mark.parametrize("plosive", [True, False])
def test_lips_meet_on_every_p_b_m(neighbour, length_s, plosive):
    segments = spell(neighbour, "PP", neighbour, length_s=length_s, plosive=plosive)
    found = articulate(segments, round(100 * segments[-1].end_s))
    closure = segments[4]
    inside = slice(round(100 * closure.start_s), round(100 * closure.end_s))
    blendshapes = found.blendshapes[inside]
    assert lip_gap(blendshapes).min() < CLOSED_GAP - 0.05
    sealed = found.seal[inside] > 0.99
    assert np.allclose(track(blendshapes, "jawOpen")[sealed], track(blendshapes, "mouthClose")[sealed], atol=2e-3)


def test_lips_meet_nowhere_else_in_speech():
    for sound in SOUND_INDEX:
        if sound not in {"sil", "PP"}:
            found = articulate(spell(sound, "AH", sound, "AH"), 120)
            assert lip_gap(found.blendshapes[34:66]).min() > CLOSED_GAP, sound


@pytest.mark.parametrize("beside_s", [0.03, 0.05, 0.08, 0.15])
@pytest.mark.parametrize("beside", ["DD", "NN", "KK", "TH", "SS", "AH", "AA"])
def test_lips_are_apart_in_the_middle_of_whatever_stands_beside_a_closure(beside, beside_s):
    lengths = [0.3, 0.1, beside_s, 0.07, beside_s, 0.1, 0.3]
    edges = np.cumsum([0, *lengths])
    names = ["sil", "AH", beside, "PP", beside, "AH", "sil"]
    segments = [Segment(*each) for each in zip(names, edges[:-1], edges[1:], strict=True)]
    gap = lip_gap(articulate(segments, round(100 * edges[-1])).blendshapes)
    middles = [0.5 * (segments[i].start_s + segments[i].end_s) for i in (2, 4)]
    assert np.interp(middles, (np.arange(len(gap)) + 1) / 100, gap).min() > CLOSED_GAP


def test_sounds_look_as_they_should():
    def at(name, sound):
        return track(articulate(spell("AH", sound, "AH"), 100).blendshapes, name)[43:48].max()

    assert at("jawOpen", "AA") > at("jawOpen", "EH") > at("jawOpen", "IY")
    assert at("mouthPucker", "WW") > 0.5 > at("mouthPucker", "IY")
    assert at("mouthRollLower", "FF") > 0.4 > at("mouthRollLower", "AA")
    assert at("mouthStretchLeft", "IY") > at("mouthStretchLeft", "AO")
    assert at("tongueOut", "TH") > at("tongueOut", "AA")


def test_left_is_right_and_silence_is_rest():
    found = articulate(spell("AA", "PP", "IY", "UW"), 150).blendshapes
    assert np.array_equal(track(found, "mouthSmileLeft"), track(found, "mouthSmileRight"))
    assert np.abs(found[:10]).max() < 0.02 and np.abs(found[140:]).max() < 0.02
    assert found.min() >= 0 and found.max() <= 1
    assert set(np.flatnonzero(found.any(0))) <= set(MOVED)


def test_a_loud_vowel_opens_further():
    loud, faint = (articulate(spell("AA"), 100, np.full(100, level)).blendshapes for level in (8.0, -8.0))
    assert track(loud, "jawOpen").max() > 1.1 * track(faint, "jawOpen").max()


def test_phone_names_of_every_set_are_read():
    assert sounds_of("uw1", "arpabet") == ["UW"] and sounds_of("OY", "arpabet") == ["AO", "IH"]
    assert sounds_of("'aI", "espeak") == ["AA", "IH"] and sounds_of("m:", "finnish") == ["PP"]
    assert sounds_of("c~", "czech") == ["CH"] and sounds_of("bb", "russian") == ["PP"]
    with pytest.raises(KeyError):
        sounds_of("%%", "arpabet")
    found = segments_of(
        [("pau", 0, 0.1), ("pau", 0.1, 0.2), ("b", 0.2, 0.3), ("ay", 0.3, 0.5), ("x", 0.5, 0.5)], "arpabet"
    )
    assert [(s.sound, round(s.end_s, 3)) for s in found] == [("sil", 0.2), ("PP", 0.3), ("AA", 0.42), ("IH", 0.5)]
    assert found[1].plosive and not segments_of([("m", 0, 0.1)], "arpabet")[0].plosive


def test_sentences_are_full_of_lips():
    rng = np.random.default_rng(1)
    for language in SYLLABLES:
        text = " ".join(sentence(language, rng) for _ in range(40))
        assert len(text.split()) > 100 and "{" not in text
        assert sum(map(text.count, "pbmпбм")) > len(text) / 30


def test_changes_keep_length_and_range_and_times():
    rng = np.random.default_rng(2)
    samples = np.sin(np.arange(22050) / 20).astype(np.float32)
    for factor in (0.85, 1.0, 1.2):
        heard = to_feature_rate(samples, 22050, factor)
        (moved,) = stretched([Segment("AA", 0.0, 1.0)], 22050, factor, 0.25)
        assert abs(len(heard) / 16000 - (moved.end_s - 0.25)) < 1e-3 and moved.start_s == 0.25
    always = SoundChanges(tilted=1, in_rooms=1, noisy=1, band_limited=1, coded=1, clipped=1)
    for _ in range(5):
        changed = change(heard, rng, always)
        assert len(changed) == len(heard) and np.isfinite(changed).all() and np.abs(changed).max() <= 1
    for made in (noise(8000, rng), tones(8000, rng)):
        assert np.sqrt(np.mean(made**2)) == pytest.approx(1, abs=1e-3)


def test_a_throat_or_filter_changes_the_spectrum_alone():
    features = np.random.default_rng(3).normal(0, 0.5, (200, 84)).astype(np.float32)
    for seed in range(10):
        for strangers in (False, True):
            changed = change_features(features, np.random.default_rng(seed), strangers)
            assert changed.shape == features.shape and np.isfinite(changed).all()
            assert changed[:, :80].min() > -1.61


def test_moods_are_opposite_and_leave_the_jaw_alone():
    rows = mood_rows()
    assert rows[:, INDEX["jawOpen"]].max() == 0 and rows.max() < 0.7
    shares = mood_shares(np.array([[1, 0], [-1, 1], [-1, -1], [0, 1], [0, -1], [0, 0]], float))
    assert np.array_equal(shares.argmax(1)[:5], np.arange(5)) and not shares[5].any()


@pytest.fixture(scope="module")
def lessons():
    """Babble: buzzing vowels, silent closures; no synthesiser needed."""
    rng = np.random.default_rng(4)
    clips = []
    for _ in range(6):
        segments = spell("AA", "PP", "IY", "PP", "UW", "SS", "AA", "FF", "IY", "PP", "AA")
        time_s = np.arange(int(16000 * segments[-1].end_s)) / 16000
        sound = sum(np.sin(2 * np.pi * 120 * k * time_s) / k for k in range(1, 20))
        open_now = np.interp(time_s, [s.start_s for s in segments], [s.sound in {"AA", "IY", "UW"} for s in segments])
        clips.append(
            speech_clip(Spoken((0.1 * sound * open_now).astype(np.float32), 16000, segments), 0, rng, SoundChanges())
        )
        clips.append(quiet_clip(rng))
    joined = {name: np.concatenate([clip[name] for clip in clips]) for name in clips[0]}
    return Lessons(**joined, starts=np.cumsum([0, *(len(clip["seal"]) for clip in clips[:-1])]), voices=["buzz"])


def test_lessons_survive_the_file(tmp_path, lessons):
    lessons.save(tmp_path / "lessons.npz")
    again = Lessons.load(tmp_path / "lessons.npz")
    assert np.array_equal(again.features, lessons.features) and again.voices == ["buzz"]


def test_a_batch_hears_no_more_than_its_look_ahead(lessons):
    batch = School(lessons, np.random.default_rng(5), change=False).batch(16, 10, (2, 8))
    latest = np.nanmax(batch.offsets_ms.numpy(), axis=2)
    assert latest.max() <= 100.01 and np.nanmin(batch.offsets_ms.numpy()) >= -1020
    assert (np.isfinite(batch.offsets_ms.numpy()).sum(2) == 50).all()
    assert batch.blendshapes.shape == (16, 10, 52) and 0 <= batch.blendshapes.min() <= batch.blendshapes.max() <= 1


def test_at_any_pace_the_truth_stays_with_the_sound(lessons):
    smooth = np.convolve(lessons.seal.astype(float), np.ones(9) / 9, "same").astype(np.float16)
    features = np.repeat(smooth[:, None], FEATURES, 1).astype(np.float32)
    features[:, 1] = np.arange(len(features))
    told = replace(lessons, features=features, seal=smooth)
    batch = School(told, np.random.default_rng(8), change=False, strangers=True).batch(24, 12, (2, 8))
    heard, offsets_ms = batch.features[..., 0].numpy(), batch.offsets_ms.numpy()
    time_ms = np.nanmean(20.0 * (np.arange(offsets_ms.shape[2]) + 1) - offsets_ms, axis=2)
    steps = np.arange(heard.shape[1])
    for one, times, seal, then in zip(heard, time_ms, batch.seal.numpy(), batch.seal_then.numpy(), strict=True):
        assert np.abs(np.interp(times / 10.0 - 1.0, steps, one) - seal).max() < 0.06
        assert np.abs(one[9::2][:50] - then[8:58, 1]).max() < 0.06
    pace = np.diff(batch.features[..., 1].numpy(), axis=1).mean(1)
    assert pace.min() > 0.89 and 1.1 < pace.max() < 1.36
    assert (np.abs(pace - 1.0) < 1e-4).any()


def test_what_is_asked_of_small_and_large_movements_weighs_alike(lessons):
    spreads, rng = spreads_of(lessons.blendshapes), np.random.default_rng(6)
    truth = torch.zeros(4, 30, 52)
    truth[..., list(MOVED)] = torch.from_numpy(lessons.blendshapes[:120].astype(np.float32)).view(4, 30, -1)
    asked = []
    for name in ("jawOpen", "mouthClose"):
        found = truth.clone()
        found[..., INDEX[name]] += spreads.place[INDEX[name]] * torch.from_numpy(rng.normal(size=(4, 30))).float()
        asked.append(float(face_loss(found, truth, truth[..., 0], truth[..., 0], spreads, LossWeights())["place"]))
    assert asked[1] == pytest.approx(asked[0], rel=0.4)
    assert float(disagreement(truth, truth, spreads)) < 0.1 < 0.9 < float(disagreement(0 * truth, truth, spreads))


def test_lips_that_touch_are_forgiven_only_where_they_should(lessons):
    spreads = spreads_of(lessons.blendshapes)
    shut, open_mouth = torch.zeros(1, 8, 52), torch.zeros(1, 8, 52)
    open_mouth[..., INDEX["jawOpen"]] = 0.3
    none = torch.zeros(1, 8)

    def apart(found, truth):
        return float(face_loss(found, truth, none, none, spreads, LossWeights())["apart"])

    assert apart(shut, open_mouth) > 0.1 and apart(open_mouth, shut) == apart(shut, shut) == 0


@pytest.mark.parametrize("shape", [(40, 12), (12, 40), (16, 16), (8, 5, 3)])
def test_muon_steps_along_an_orthogonal_matrix_of_adams_size(shape):
    torch.manual_seed(7)
    weight = torch.nn.Parameter(torch.zeros(shape))
    optimiser = Muon([weight], 0.1, weight_decay=0.0)
    weight.grad = torch.randn(shape)
    optimiser.step()
    step = weight.detach().flatten(1)
    values = torch.linalg.svdvals(step / (0.1 * 0.2 * max(step.shape) ** 0.5))
    assert values.min() > 0.6 and values.max() < 1.3
    assert float((step * weight.grad.flatten(1)).sum()) < 0


TINY = LearnSettings(ear_steps=3, ear_batch=2, ear_length=60, face_steps=5, face_batch=2, face_frames=6, save_every=2)


def silent(name, value, step):
    pass


def test_a_run_that_was_killed_goes_on_along_the_same_curve(tmp_path, lessons):
    whole = Learner(lessons, tmp_path / "whole", TINY, silent)
    whole.run()
    killed = Learner(lessons, tmp_path / "killed", TINY, silent)
    killed.run(until=5)  # the last checkpoint is of step 4
    again = Learner(lessons, tmp_path / "killed", TINY, silent)
    again.resume()
    assert again.step == 4
    again.run()
    assert again.curve == whole.curve
    for first, second in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(first, second)


def test_learning_lowers_the_loss_and_a_finished_run_can_be_gone_on_from(tmp_path, lessons):
    settings = LearnSettings(
        ear_steps=0, face_steps=40, face_batch=4, face_frames=12, rate=2e-3, save_every=40, half_precision=False
    )
    learner = Learner(lessons, tmp_path / "first", settings, silent)
    learner.run()
    assert np.mean(learner.curve[-5:]) < 0.6 * np.mean(learner.curve[:5])
    further = Learner(lessons, tmp_path / "second", settings, silent)
    further.begin_from(tmp_path / "first" / "checkpoint.pt")
    assert further.step == 0
    further.run(until=2)
    assert further.curve[0] < 0.7 * learner.curve[0]


def test_a_recorded_take_becomes_a_lesson():
    times_s = np.arange(60) / 30
    opening = np.clip(np.sin(2 * np.pi * 2 * times_s), 0, 1).astype(np.float32)
    states = []
    for time_s, value in zip(times_s, opening, strict=True):
        blendshapes = np.zeros(52, np.float32)
        blendshapes[INDEX["jawOpen"]] = value
        states.append(FaceState(timestamp_s=float(time_s), blendshapes=blendshapes))
    clip = take_clip(Take("me", tuple(states), 30.0), np.zeros(32000, np.float32))
    assert len(clip["seal"]) == 200
    jaw = clip["blendshapes"][:, MOVED.index(INDEX["jawOpen"])].astype(float)
    assert np.abs(jaw[:190] - np.interp((np.arange(190) + 1) / 100, times_s, opening)).max() < 1e-3
