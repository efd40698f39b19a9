"""Names of phones in every synthesiser's spelling, read as one short list of sounds.

A sound is what the face shows: voicing, length and most places of the tongue fall together (p b m are one).
"""

from __future__ import annotations

from dataclasses import dataclass

SOUNDS: tuple[str, ...] = (
    "sil", "PP", "FF", "TH", "DD", "NN", "SS", "CH", "KK", "RR", "WW", "YY", "HH",
    "AA", "AE", "AH", "AO", "EH", "ER", "IH", "IY", "OW", "UH", "UW", "UE",
)  # fmt: skip
UNKNOWN = 255  # in lessons from recorded takes, which name no sounds
SOUND_INDEX = {name: i for i, name in enumerate(SOUNDS)}
OPEN_VOWELS, CLOSED_VOWELS = frozenset({"AA", "AE", "AO"}), frozenset({"IY", "UW", "IH", "UH", "UE"})
ROUNDED = frozenset({"WW", "UW", "OW", "UH", "UE", "AO"})
VOWELS = frozenset(SOUNDS[SOUNDS.index("AA") :])


@dataclass(frozen=True, slots=True)
class Segment:
    """One sound from start_s to end_s. stress: 0 none, 1 stressed. plosive: opens before its end, with a burst."""

    sound: str
    start_s: float
    end_s: float
    stress: float = 0.0
    plosive: bool = False


PLOSIVES = frozenset(["p", "b", "pp", "bb", "p:", "b:", "p_h", "b_h", "bh", "ph"])

# ARPAbet in lower case (CMU dictionary; flite, festival, pocketsphinx).
ARPABET = {
    "aa": "AA", "ae": "AE", "ah": "AH", "ao": "AO", "aw": "AA UH", "ax": "AH", "axr": "ER", "ay": "AA IH", "b": "PP",
    "ch": "CH", "d": "DD", "dh": "TH", "dx": "DD", "eh": "EH", "er": "ER", "ey": "EH IY", "f": "FF", "g": "KK",
    "hh": "HH", "hv": "HH", "ih": "IH", "iy": "IY", "jh": "CH", "k": "KK", "l": "NN", "m": "PP", "em": "PP", "n": "NN",
    "en": "NN", "el": "NN", "ng": "KK", "ow": "OW UH", "oy": "AO IH", "p": "PP", "r": "RR", "s": "SS", "sh": "CH",
    "t": "DD", "th": "TH", "uh": "UH", "uw": "UW", "v": "FF", "w": "WW", "y": "YY", "z": "SS", "zh": "CH",
}  # fmt: skip
# Letters that most European phone sets use alike (festival's Czech, Italian, Finnish, Catalan, Russian voices).
LETTERS = {
    "a": "AA", "e": "EH", "i": "IH", "o": "AO", "u": "UW", "E": "EH", "O": "AO", "A": "AA", "I": "IH", "U": "UH",
    "y": "IH", "p": "PP", "b": "PP", "m": "PP", "f": "FF", "v": "FF", "t": "DD", "d": "DD", "n": "NN", "l": "NN",
    "L": "NN", "s": "SS", "z": "SS", "c": "SS", "C": "CH", "S": "CH", "Z": "CH", "k": "KK", "g": "KK", "x": "KK",
    "h": "HH", "j": "YY", "r": "RR", "w": "WW", "q": "KK",
}  # fmt: skip
CZECH = LETTERS | {
    "c~": "CH", "s~": "CH", "z~": "CH", "r~": "CH", "t~": "DD", "d~": "DD", "n~": "NN", "ch": "KK", "dz": "SS",
    "dz~": "CH", "j": "YY", "u*": "UW", "e~": "EH", "i~": "IY", "o:": "AO", "N": "KK", "M": "FF", "i:": "IY",
}  # fmt: skip
ITALIAN = LETTERS | {"dZ": "CH", "tS": "CH", "ts": "SS", "dz": "SS", "J": "NN", "nf": "NN", "ng": "KK", "SS": "CH"}
FINNISH = LETTERS | {"y": "UE", "@": "AE", "7": "UE", "&": "UE", "N": "KK", "T": "TH", "D": "TH"}
CATALAN = LETTERS | {
    "ax": "AH", "dZ": "CH", "tS": "CH", "ts": "SS", "J": "NN", "nj": "NN", "N": "KK", "ng": "KK", "B": "PP", "D": "TH",
    "G": "KK", "rr": "RR", "dz": "SS", "y": "YY", "lj": "NN", "LL": "NN",
}  # fmt: skip
RUSSIAN = LETTERS | {
    "aa": "AA", "ii": "IY", "uu": "UW", "oo": "AO", "ee": "EH", "yy": "IH", "ay": "IH", "ur": "UH", "ae": "EH",
    "yo": "AO", "sh": "CH", "sch": "CH", "zh": "CH", "ch": "CH", "i": "IY", "h": "KK", "hh": "KK", "ts": "SS",
}  # fmt: skip
# espeak-ng's mnemonics, the longest beginning counts (docs/phonemes.md of espeak-ng, and what it prints).
ESPEAK = {
    "p": "PP", "b": "PP", "m": "PP", "f": "FF", "v": "FF", "pF": "FF", "T": "TH", "D": "TH", "t": "DD", "d": "DD",
    "t#": "DD", "*": "DD", "n": "NN", "n^": "NN", "l": "NN", "l^": "NN", "l#": "NN", "@L": "AH NN", "N": "KK",
    "k": "KK", "g": "KK", "x": "KK", "X": "KK", "C": "CH", "Q": "KK", "h": "HH", "H": "HH", "?": "HH", "s": "SS",
    "z": "SS", "ts": "SS", "dz": "SS", "S": "CH", "Z": "CH", "tS": "CH", "dZ": "CH", "s;": "CH", "z;": "CH",
    "tS;": "CH", "dZ;": "CH", "r": "RR", "r-": "RR", "R": "RR", "R2": "RR", "w": "WW", "j": "YY", "B": "PP",
    "a": "AE", "aa": "AE", "a#": "AH", "A": "AA", "A:": "AA", "a:": "AA", "A@": "AA", "aI": "AA IH", "aI@": "AA IH",
    "aU": "AA UH", "@": "AH", "@2": "AH", "@5": "AH", "V": "AH", "E": "EH", "E2": "EH", "E:": "EH", "e": "EH",
    "e:": "EH", "eI": "EH IY", "e@": "EH", "3": "ER", "3:": "ER", "I": "IH", "I2": "IH", "I#": "IH", "i": "IY",
    "i:": "IY", "i@": "IY AH", "i@3": "IY ER", "y": "UE", "y:": "UE", "Y": "UE", "W": "UE", "W:": "UE", "Y:": "UE",
    "O": "AO", "O:": "AO", "O@": "AO", "0": "AA", "o": "OW", "o:": "OW", "o@": "AO", "oU": "OW UH", "OI": "AO IH",
    "OY": "AO UE", "u": "UW", "u:": "UW", "U": "UH", "U@": "UH", "&": "AH", "ai": "AA IH", "au": "AA UH", "ei": "EH IH",
    "ou": "OW UH", "eu": "EH UH", "oi": "AO IH", "ie": "IH EH", "ue": "WW EH", "ia": "YY AA", "E~": "AE", "A~": "AA",
    "O~": "OW", "W~": "UE", "w~": "WW", "J^": "YY", "u#": "UH", "y#": "IH", "9": "UE", ";": "YY", "8": "UE",
    "i^": "IH", "j2": "YY",
}  # fmt: skip
SETS = {
    "arpabet": ARPABET, "czech": CZECH, "italian": ITALIAN, "finnish": FINNISH, "catalan": CATALAN, "russian": RUSSIAN,
    "espeak": ESPEAK,
}  # fmt: skip
SILENT = frozenset({"pau", "sil", "#", "_", "_:", "_!", "_|", "", "ssil", "brth", "h#", "+spn+", "+nsn+", "(...)"})
DIPHTHONG_SPLIT = 0.6  # the first part's share (Rhubarb, `animationRules.cpp`)


def sounds_of(name: str, phone_set: str) -> list[str]:
    """The sounds that a phone's name stands for (two for a diphthong); KeyError where the set has no such name."""
    table = SETS[phone_set]
    plain = name.strip("'ˈˌ%=") if phone_set == "espeak" else name.lower() if phone_set == "arpabet" else name
    plain = plain.lstrip(",") if phone_set == "espeak" else plain
    if plain in SILENT:
        return ["sil"]
    for candidate in (plain, plain.rstrip("0123456789"), plain.rstrip(":*"), *(plain[:n] for n in (3, 2, 1))):
        if candidate in table:
            return table[candidate].split()
        if candidate and candidate[:1] != candidate[:1].lower() and candidate.lower() in table:
            return table[candidate.lower()].split()
    # A doubled letter is a long sound.
    if len(plain) > 1 and plain[0] == plain[1] and plain[0] in table:
        return table[plain[0]].split()
    raise KeyError(f"no sound for the phone {name!r} of the set {phone_set}")


def segments_of(phones: list[tuple[str, float, float]], phone_set: str) -> list[Segment]:
    """Segments of (name, start_s, end_s): diphthongs split, pauses joined, empty ones dropped."""
    found: list[Segment] = []
    for name, start, end in phones:
        if end - start < 1e-3:
            continue
        parts = sounds_of(name, phone_set)
        stress = 1.0 if name.startswith("'") or name.endswith("1") else 0.0
        middle = start + DIPHTHONG_SPLIT * (end - start)
        edges = [start, end] if len(parts) == 1 else [start, middle, end]
        for sound, first, last in zip(parts, edges[:-1], edges[1:], strict=True):
            if sound == "sil" and found and found[-1].sound == "sil":
                found[-1] = Segment("sil", found[-1].start_s, last)
            else:
                plosive = sound == "PP" and name.strip("'ˈ,").lower()[:1] in {"p", "b"}
                found.append(Segment(sound, first, last, stress, plosive))
    return found
