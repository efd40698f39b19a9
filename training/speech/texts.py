"""Sentences to be spoken: own word lists and patterns, and invented words of other languages' syllables.

Sense does not matter, neighbours of sounds do: lips that close, touch the teeth or round appear beside every vowel.
"""

from __future__ import annotations

import numpy as np


def _words(text: str) -> list[str]:
    return text.split()


NOUNS = _words("""
map pub bomb beam mob puma opium museum problem pebble bubble people purple maple ribbon cabin robin tube web rope
soup lamp stamp pump bump camp jump shrimp palm farm arm dream stream thumb climb comb room broom moon spoon balloon
boot fruit juice school tool pool wolf wool wood book cook hook window willow water weather whistle wheel whale wave
wagon queen square language quilt twelve swan sweater field leaf loaf roof wolfhound coffee toffee village valley
river violin velvet oven glove stove dove father feather finger forest fever phone elephant dolphin laugh cough
thief garden dragon kitchen chicken jacket pocket rocket ticket basket blanket sugar shadow shoulder ocean machine
station nation measure treasure pleasure garage beige judge bridge village orange engine giraffe church branch beach
peach mountain fountain captain button kitten sister brother mother teacher doctor lawyer farmer baker barber
painter plumber number member summer winter spring autumn morning evening midnight noon hour minute second moment
month year apple paper pepper copper zipper chapter temple sample example simple ankle uncle circle turtle bottle
cattle kettle house mouse mouth south cloud crowd crown town gown clown owl towel flower tower power shower coin
voice boy toy oil point noise poison bay day way cake lake snake plate gate train brain rain chain table cable paper
nail tail whale bed red thread bread head neck desk chest vest nest egg leg hedge edge bell shell well bird word
world girl pearl nurse purse church shirt skirt turf surf ship fish dish milk silk hill bill king ring thing wing
string pin bin win gym dog log fog song wall ball hall call saw law paw ox box fox clock rock sock lock shop top cup
duck truck luck sun gun bus brush tongue young one judge mud hut nut road boat coat goat soap hope home stone bone
phone snow bow window yellow key bee tea sea tree knee cheese wheat street feet meat seat piece field museum yard
guard star car jar card heart
""")
VERBS = _words("""
moves makes becomes remembers imagines promises permits improves compares combines climbs hums jumps pumps stamps
brings breaks builds borrows believes begs bakes burns bends blows puts pulls pushes paints plays plants proves
follows finds fills feels fights forgets forgives offers suffers laughs leaves loves lives gives saves serves drives
wants wins washes waits walks watches wishes welcomes whispers wonders would could should chooses loses uses moves
shows throws knows grows opens closes holds rolls owns asks takes keeps likes looks cooks thinks speaks seeks kicks
says sees sings sits sets sells sends sleeps smells stands stops starts tastes teaches tells touches turns tries
""")
ADJECTIVES = _words("""
big small broad brave blue brown black pale pink purple plump proper public perfect simple famous warm calm dim firm
humble noble able double open empty sharp cheap deep ripe white wide wild weak wet wise twelve sweet swift quick
quiet few fine fair free full funny fuzzy fresh foolish awful vivid velvet heavy clever seven eleven brief rough
tough smooth cool blue new true loose good wooden woolen slow low yellow narrow hollow shallow old cold bold golden
red yellow ready heavy best very thin thick other smooth loud proud sour round royal early thirsty nervous third
yellow young usual huge cute pure sure rich wretched strange large gentle tall small long strong odd soft happy
""")
ADVERBS = _words("""
maybe perhaps probably obviously above before below beyond almost simply warmly calmly bravely humbly over ever
never often softly forever always away slowly wisely swiftly quickly quietly somewhere somehow soon too truly
smoothly yesterday today tomorrow together early later again afterwards usually finally suddenly carefully outside
upward
""")
PREPOSITIONS = _words("""
above below behind before beside by from for of over with without within between beneath upon to
""")
PATTERNS = (
    "the {a} {n} {v} the {n} {p} the {a} {n}", "{d} my {n} {v} a {a} {n}", "we would {d} move {p} the {n} and the {n}",
    "what if the {n} {v} {p} your {a} {n}", "he {v} and she {v} {p} the {n}", "give me the {a} {n}, {d}",
    "you and I {v} the {n} of the {n}", "one {n}, two {a} {n}, three {n}, four {n}",
    "who {v} the {n}? my {a} {n} {v} it",
    "both {n} and {n} were {a}, but the {n} was {a}", "{d}, {d}, the {n} {v} more than {a} {n}",
    "oh, put the {n} {p} it",
    "I am {a}, and I hope that you {d} know why", "ah, the {n}! how {a} it is {p} you", "no, five of them are {a}",
    "please say {n} again, then {n}, then {n}", "she saw {p} a {a} {n}", "they {d} go home {p} few {n}",
)  # fmt: skip
MORE_NUMBERS = _words("""
zero one two three four five six seven eight nine ten eleven twelve twenty fifty hundred thousand
""")

# Onsets, vowels and codas in the spelling of a language: invented words that its synthesiser reads by its own rules.
SYLLABLES: dict[str, tuple[str, str, str]] = {
    "en": (
        "b p m f v w t d n s z l r k g h sh ch j th st sp sm sw tw pl bl fl br pr fr gr tr dr qu wh y",
        "a e i o u ee oo ay ow ar or ea ie oa ou aw oi er",
        "- - - m n p b t d k g f s l r sh ng st mp nd lf",
    ),
    "cs": (
        "b p m f v t d n s z l r k g h š č ž j c sp pl bl pr br vl mn m b p v",
        "a e i o u á é í ů ou",
        "- - - - m n t s k l r v p b",
    ),
    "it": (
        "b p m f v t d n s l r c g sp pr br fr tr gl qu m b p v",
        "a e i o u ia uo ie",
        "- - - - - n r l s m",
    ),
    "fi": ("p m v t n s l r k h j m p v", "a e i o u ä ö y aa ee ii oo uu ie uo yö ai au", "- - - - n s l r t m"),
    "ca": ("b p m f v t d n s l r c g j x m b p v", "a e i o u ia ei au", "- - - - n r l s m t p"),
    "ru": (
        "б п м ф в т д н с з л р к г х ш ч ж м б п в пл бр",
        "а е и о у ы э ю я а о у",
        "- - - - м н т с к л р в п",
    ),
    "de": (
        "b p m f w t d n s l r k g h sch pf z j st m b p w",
        "a e i o u ei au eu ü ö ie",
        "- - - m n t s ch l r p f",
    ),
    "es": ("b p m f v t d n s l r c g j ch ll m b p", "a e i o u ia ue ie", "- - - - n r l s m"),
    "fr": ("b p m f v t d n s l r c g ch j m b p v", "a e i o u ou eu é on an in oi", "- - - - r l s t"),
    "pl": ("b p m f w t d n s z l r k g h sz cz ż j m b p w", "a e i o u y ó", "- - - - m n t s k l r p"),
    "pt": ("b p m f v t d n s l r c g ch j m b p v", "a e i o u ão ei ou", "- - - - r l s m"),
    "nl": ("b p m f v w t d n s l r k g h z m b p w", "a e i o u oe ui ee oo aa eu ij", "- - - m n t s k l r p f"),
}


def sentence(language: str, rng: np.random.Generator) -> str:
    """One line in the spelling of the language ("en", "cs", ...): English words mostly, else invented ones."""
    if language == "en" and rng.random() < 0.8:
        return _english(rng)
    words = [_word(language, rng) for _ in range(rng.integers(4, 10))]
    if len(words) > 6:
        words[len(words) // 2] += ","
    return " ".join(words)


def _english(rng: np.random.Generator) -> str:
    if rng.random() < 0.08:
        return ", ".join(str(word) for word in rng.choice(MORE_NUMBERS, rng.integers(4, 8)))
    pattern = str(rng.choice(PATTERNS))
    for mark, words in (("{n}", NOUNS), ("{v}", VERBS), ("{a}", ADJECTIVES), ("{d}", ADVERBS), ("{p}", PREPOSITIONS)):
        while mark in pattern:
            pattern = pattern.replace(mark, str(rng.choice(words)), 1)
    return pattern


def _word(language: str, rng: np.random.Generator) -> str:
    onsets, vowels, codas = (part.split() for part in SYLLABLES[language])
    parts = []
    for _ in range(rng.integers(1, 4)):
        parts += [rng.choice(onsets) if rng.random() < 0.9 else "", rng.choice(vowels)]
    return ("".join(map(str, parts)) + str(rng.choice(codas))).replace("-", "")
