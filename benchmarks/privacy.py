"""Personal data: precision and recall per kind, beside presidio-analyzer's pattern recognisers on
the same texts.

    .venv/bin/python -m benchmarks.privacy

presidio-analyzer is installed into build/peers-privacy by uv. Sets are read from ../shared/data. A
span counts as found when one of the same kind overlaps it; `exact` demands the same characters.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.rules.privacy.find import find

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
KINDS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "STREET_ADDRESS": "address",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip",
    "US_SSN": "id",
    "US_DRIVER_LICENSE": "id",
}
PEER = """
import json, sys, time
from presidio_analyzer import predefined_recognizers as known
import tldextract
tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # its own list: no network
texts = json.load(sys.stdin)
names = {"email": "EmailRecognizer", "phone": "PhoneRecognizer", "card": "CreditCardRecognizer",
         "iban": "IbanRecognizer", "ip": "IpRecognizer"}
makers = {kind: getattr(known, name)() for kind, name in names.items()}
for maker in makers.values():
    maker.analyze("warm 1", maker.supported_entities, None)
start = time.process_time()
found = [[(kind, r.start, r.end) for kind, maker in makers.items()
          for r in maker.analyze(text, maker.supported_entities, None)] for text in texts]
json.dump({"seconds": time.process_time() - start, "found": found}, sys.stdout)
"""

Spans = list[tuple[str, int, int]]


def presidio(texts: list[str]) -> tuple[list[Spans], float]:
    venv = ROOT / "build" / "peers-privacy"
    if not venv.exists():
        uv = ROOT / ".venv" / "bin" / "uv"
        subprocess.run([uv, "venv", "-q", venv], check=True)
        subprocess.run(
            [uv, "pip", "install", "-q", "--python", venv / "bin/python", "presidio-analyzer"],
            check=True,
        )
    done = subprocess.run(
        [venv / "bin" / "python", "-W", "ignore", "-c", PEER],
        input=json.dumps(texts),
        text=True,
        check=True,
        stdout=-1,
    )
    answer = json.loads(done.stdout)
    return [
        [(kind, start, end) for kind, start, end in spans] for spans in answer["found"]
    ], answer["seconds"]


def ours(texts: list[str], languages: Iterable[str | None]) -> tuple[list[Spans], float]:
    find("warm: 12 Main Street, anna@example.org, call 123 4567")
    start = time.process_time()
    found = [
        [tuple(span) for span in find(text, code)]
        for text, code in zip(texts, languages, strict=True)
    ]
    return found, time.process_time() - start


def report(name: str, gold: list[Spans], answers: dict[str, tuple[list[Spans], float]]) -> None:
    print(f"\n{name}: {len(gold)} texts, {sum(map(len, gold))} spans")
    for kind in dict.fromkeys(span[0] for spans in gold for span in spans):
        for who, (found, _) in answers.items():
            print(f"  {kind:8} {who:9} {_figures(gold, found, kind)}")
    for who, (found, seconds) in answers.items():
        each = f"{seconds / len(gold) * 1e6:.1f} µs a text"
        print(f"  {'all':8} {who:9} {_figures(gold, found, None)}  {each}")


def _figures(gold: list[Spans], found: list[Spans], kind: str | None) -> str:
    count: Counter[str] = Counter()
    for wanted, got in zip(gold, found, strict=True):
        wanted = [s for s in wanted if kind in (None, s[0])]
        got = [s for s in got if kind in (None, s[0])]
        count["gold"] += len(wanted)
        count["found"] += len(got)
        count["hit"] += sum(any(_overlap(s, other) for other in got) for s in wanted)
        count["right"] += sum(any(_overlap(s, other) for other in wanted) for s in got)
        count["exact"] += len(set(wanted) & set(got))
    recall = count["hit"] / max(count["gold"], 1)
    precision = count["right"] / max(count["found"], 1)
    f1 = 2 * recall * precision / max(recall + precision, 1e-9)
    exact = count["exact"] / max(count["gold"], 1)
    shares = f"precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}  exact {exact:.3f}"
    return f"{shares}  of {count['gold']}"


def _overlap(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def gold_dirty() -> None:
    """Planted spans. The places that sgd mentions have addresses and numbers of their own, which
    are no false alarms: sets with and without its conversations are counted apart."""
    folder = DATA / "gold_dirty"
    rows, truth = (
        [json.loads(x) for x in _lines(folder / f"{name}.jsonl.gz")]
        for name in ("dialogues", "truth")
    )
    texts, codes, gold, planted, natural = [], [], [], [], []
    for row, known in zip(rows, truth, strict=True):
        for i, message in enumerate(row["messages"]):
            faults = [f for f in known["faults"] if f["kind"].startswith("pii_")]
            texts.append(message["content"])
            codes.append(row["lang"])
            gold.append([(f["kind"][4:], *f["span"]) for f in faults if f["turn"] == i])
            planted.append(bool(faults))
            natural.append(row["source"] == "sgd")
    found, seconds = ours(texts, codes)
    peer, peer_seconds = presidio(texts)
    for name, chosen in (
        ("gold_dirty, messages with planted data", [i for i in range(len(texts)) if gold[i]]),
        (
            "gold_dirty, conversations with planted data",
            [i for i in range(len(texts)) if planted[i]],
        ),
        ("gold_dirty, everywhere but in sgd", [i for i in range(len(texts)) if not natural[i]]),
        ("gold_dirty, everywhere", list(range(len(texts)))),
    ):
        share = len(chosen) / len(texts)
        answers = {
            "ours": ([found[i] for i in chosen], seconds * share),
            "presidio": ([peer[i] for i in chosen], peer_seconds * share),
        }
        report(name, [gold[i] for i in chosen], answers)


def sgd() -> None:
    """Addresses and telephone numbers of real places, as annotated; what lies in other slots (a
    destination) counts neither way."""
    texts, gold, others = [], [], []
    for path in sorted((DATA / "sgd").glob("dialogues_*.json*")):
        for turn in (turn for dialogue in json.loads(_content(path)) for turn in dialogue["turns"]):
            slots = list(_slots(turn))
            texts.append(turn["utterance"])
            gold.append([slot for slot in slots if slot[0] != "other"])
            others.append([slot[1:] for slot in slots if slot[0] == "other"])
    answers = {"ours": ours(texts, ["en"] * len(texts)), "presidio": presidio(texts)}
    for found, _ in answers.values():
        for i, spans in enumerate(found):
            found[i] = [
                s for s in spans if not any(s[1] < end and start < s[2] for start, end in others[i])
            ]
    report("sgd, annotated slots", gold, answers)


def _slots(turn: dict[str, Any]) -> Iterable[tuple[str, int, int]]:
    for slot in (s for frame in turn["frames"] for s in frame["slots"] if "start" in s):
        start, end = slot["start"], slot["exclusive_end"]
        kind = (
            "phone"
            if "phone" in slot["slot"]
            else "address"
            if "address" in slot["slot"]
            else "other"
        )
        has_number = any(map(str.isdigit, turn["utterance"][start:end]))
        yield kind if has_number else "other", start, end


def presidio_synth() -> None:
    rows = json.loads(_content(DATA / "presidio_synth" / "synth_dataset_v2.json.gz"))
    texts = [row["full_text"] for row in rows]
    gold = [
        [
            (KINDS[s["entity_type"]], s["start_position"], s["end_position"])
            for s in row["spans"]
            if s["entity_type"] in KINDS
        ]
        for row in rows
    ]
    report(
        "presidio_synth",
        gold,
        {"ours": ours(texts, [None] * len(texts)), "presidio": presidio(texts)},
    )


def _content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _lines(path: Path) -> list[bytes]:
    return _content(path).splitlines()


def clean_text() -> None:
    first = "I finally watched that movie last night and it was really quite good"
    text = f"{first}, you should see it too!"
    start = time.process_time()
    for _ in range(200_000):
        find(text)
    print(f"\nclean text: {(time.process_time() - start) / 200_000 * 1e6:.2f} µs a message")


def main() -> None:
    gold_dirty()
    sgd()
    presidio_synth()
    clean_text()


if __name__ == "__main__":
    main()
