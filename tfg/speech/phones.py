"""Phone symbols and their visemes: IPA as espeak-ng writes it, ARPAbet as flite and festival do."""
from __future__ import annotations

from typing import NamedTuple


class PhonePart(NamedTuple):
    """One articulatory target of a phone. viseme: of tfg.speech.visemes.VISEMES.  openness: factor on the opening that
    `SHAPES` gives the viseme.  insist: factor on its weight against the neighbouring phones."""

    viseme: str
    openness: float = 1.0
    insist: float = 1.0


# IPA letter -> viseme, or (viseme, openness, insist): openness follows the vowel's height; a schwa and an h have a low
# weight and so give way to their neighbours
_ONE = {
    "p": "PP", "b": "PP", "m": "PP", "ɓ": "PP", "ɸ": ("FF", 1, .6), "β": ("FF", 1, .6), "ʙ": "PP",
    "f": "FF", "v": "FF", "ʋ": ("FF", 1, .7), "ɱ": "FF", "ⱱ": "FF",
    "θ": "TH", "ð": "TH",
    "t": "TN", "d": "TN", "n": "TN", "l": ("TN", 1.15, .8), "ɾ": ("TN", 1, .6), "ʈ": "TN", "ɖ": "TN", "ɳ": "TN",
    "ɭ": ("TN", 1.15, .8), "ɫ": ("TN", 1.15, .7), "ɬ": "TN", "ɮ": "TN", "ɽ": ("TN", 1, .6), "ɗ": "TN",
    "r": ("TN", 1, .7), "ɲ": ("TN", .9), "ʎ": ("TN", 1.1), "ʔ": ("KK", 1, .1), "ɺ": ("TN", 1, .6), "ȵ": ("TN", .9),
    "s": "SZ", "z": "SZ", "ɕ": ("SZ", 1.1), "ʑ": ("SZ", 1.1), "ç": ("SZ", 1.2, .6), "ʝ": ("SZ", 1.2, .6),
    "ʃ": "CH", "ʒ": "CH", "ʂ": ("CH", 1, .8), "ʐ": ("CH", 1, .8), "ɧ": ("CH", 1, .7),
    "k": "KK", "g": "KK", "ɡ": "KK", "ŋ": "KK", "x": "KK", "ɣ": "KK", "q": "KK", "χ": "KK", "ʁ": "KK", "ʀ": "KK",
    "c": ("KK", .8), "ɟ": ("KK", .8), "ɠ": "KK", "ɴ": "KK", "ɢ": "KK", "ħ": ("KK", 1, .4), "ʕ": ("KK", 1, .4),
    "ʟ": "KK", "h": ("KK", 1, .1), "ɦ": ("KK", 1, .1), "ʜ": ("KK", 1, .3),
    "ɹ": "RR", "ɻ": "RR", "ɚ": ("RR", 1.2, .8), "ɝ": ("RR", 1.6, 1.6), "ɜ": ("EH", .7), "ɘ": ("EH", .6, .7),
    "a": "AA", "ɑ": "AA", "æ": ("AA", .95), "ʌ": ("AA", .72), "ɐ": ("AA", .55, .8), "ə": ("AA", .38, .55), "ɶ": "AA",
    "ɛ": "EH", "e": ("EH", .80), "ᵻ": ("IY", 1.1, .55), "ɨ": ("IY", 1.1, .7), "ɪ": ("IY", 1.25, .8),
    "i": "IY", "ɯ": "IY", "j": ("IY", .8, .7), "ɰ": ("KK", .8, .4), "ɤ": ("EH", .7),
    "ɔ": "AO", "ɒ": ("AO", 1.15), "o": ("AO", .75), "ɵ": ("AO", .6, .8), "œ": ("AO", .8), "ø": ("AO", .6),
    "ɞ": ("AO", .8), "u": "UW", "ʊ": ("UW", 1.5, .7), "ʉ": "UW", "y": ("UW", .9), "ʏ": ("UW", 1.3, .8),
    "w": ("UW", .5), "ɥ": ("UW", .6), "ʍ": ("UW", .5), "ᵿ": ("UW", 1.4, .6),
}
_ARPA = {
    "aa": "ɑ", "ae": "æ", "ah": "ʌ", "ao": "ɔ", "aw": "aʊ", "ax": "ə", "axr": "ɚ", "ay": "aɪ", "b": "b", "ch": "tʃ",
    "d": "d", "dh": "ð", "dx": "ɾ", "eh": "ɛ", "el": "əl", "em": "m", "en": "ən", "er": "ɝ", "ey": "eɪ", "f": "f",
    "g": "ɡ", "hh": "h", "hv": "h", "ih": "ɪ", "ix": "ɨ", "iy": "i", "jh": "dʒ", "k": "k", "l": "l", "m": "m", "n": "n",
    "nx": "n", "ng": "ŋ", "ow": "oʊ", "oy": "ɔɪ", "p": "p", "r": "ɹ", "s": "s", "sh": "ʃ", "t": "t", "th": "θ",
    "uh": "ʊ", "uw": "u", "v": "v", "w": "w", "y": "j", "z": "z", "zh": "ʒ",
}
_PAUSE = ("", "pau", "h#", "sil", "#", "brth", "sp", "_", "ssil")
_IGNORED = "ˈˌːˑ̩̃̊ʲʰʷˤ'̪̯͡‿|ˀ.-˞̝̞̥̬̺̻̹̟̠̚*̆̈ˠ?;:`~^_!0123456789ˉ˥˦˧˨˩"
_AFFRICATES = {"tʃ": "CH", "dʒ": "CH", "tɕ": ("CH", 1, .9), "dʑ": ("CH", 1, .9), "ts": "SZ", "dz": "SZ",
               "pf": ("FF", .9), "tʂ": "CH", "dʐ": "CH"}


def _part(entry) -> PhonePart:
    """The `PhonePart` of an entry of `_ONE` or `_AFFRICATES`: a viseme, or a tuple (viseme, openness, insist)."""
    return PhonePart(entry) if isinstance(entry, str) else PhonePart(*entry)


def parse(symbol: str, *, arpabet: bool = False, strict: bool = False) -> tuple[list[PhonePart], int]:
    """Translate a phone symbol, IPA or ARPAbet, into its articulatory targets and its stress (0, 1 or 2).

    The targets are in order, two for a diphthong: "ˈaɪ" and ARPAbet "ay1" both give ([AA, IY], 2). An unknown letter
    is treated as an h, which gives way to its neighbours; with `strict` it raises KeyError.
    """
    stress = 2 if "ˈ" in symbol or symbol[-1:] == "1" else 1 if "ˌ" in symbol or symbol[-1:] == "2" else 0
    bare = symbol.strip().rstrip("012")
    if bare in _PAUSE:
        return [PhonePart("sil")], 0
    ipa = _ARPA[bare] if arpabet else bare            # "r" and "y" are other sounds in the two alphabets
    ipa = "".join(c for c in ipa if c not in _IGNORED)
    parts: list[PhonePart] = []
    while ipa:
        if ipa[:2] in _AFFRICATES:
            parts.append(_part(_AFFRICATES[ipa[:2]]))
            ipa = ipa[2:]
        elif ipa[0] in _ONE:
            parts.append(_part(_ONE[ipa[0]]))
            ipa = ipa[1:]
        elif not strict:
            parts.append(_part(_ONE["h"]))
            ipa = ipa[1:]
        else:
            raise KeyError(f"no viseme for {ipa[0]!r} in the phone {symbol!r}: add it to tfg/speech/phones.py")
    merged = [p for i, p in enumerate(parts) if i == 0 or p != parts[i - 1]]
    return merged or [PhonePart("sil")], stress
