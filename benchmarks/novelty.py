"""Novelty: the same decisions as rouge-score with a fixed cut-off, its speed, and how often unrelated texts pass.

    .venv/bin/python -m benchmarks.novelty            # against rouge-score, and what passes
    .venv/bin/python -m benchmarks.novelty derive     # where the constants of pipeline/generate/novelty.py are from

rouge-score is installed into build/peers-novelty by uv. Sets are read from ../shared/data. Unrelated texts: dialogues
of different people (English), speeches of plays and loose sentences put together (Russian), cut to equal length.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from pipeline.conversation import normalised
from pipeline.generate.novelty import Novelty, rouge_l

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
SIZES = (10, 25, 60)  # words
SHARES = (1e-2, 1e-3, 1e-4, 2e-5)  # of pairs: what pools of 5 to 2,500 texts ask for
CUTOFF = 0.24  # gpt_roleplay_realm
PEER = """
import json, sys, time
from rouge_score import rouge_scorer

class Words:
    def tokenize(self, text):
        return text.split()

scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False, tokenizer=Words())
cutoff, pool, candidates = json.load(sys.stdin)
started, decisions = time.process_time(), []
for candidate in candidates:
    best = max((scorer.score(text, candidate)["rougeL"].fmeasure for text in pool), default=0)
    decisions.append(best <= cutoff)
print(json.dumps([decisions, time.process_time() - started]))
"""


def main() -> None:
    python = peer()
    sets = {
        "en": {"talks": list(talks()), "roleplay": list(roleplay())},
        "ru": {"plays": list(plays()), "mixed": [*plays(), *loose()]},
    }
    print("## the same decisions as rouge-score at a fixed cut-off of .24")
    for language, texts in (("en", sets["en"]["talks"]), ("ru", sets["ru"]["mixed"])):
        same_decisions(python, language, texts)
    print("\n## one candidate against 10,000 texts of 60 words")
    speed(python, windows(sets["en"]["talks"], 60))
    print("\n## unrelated texts that pass, calibrated to .95 on our seeds (fixed .24 beside)")
    for language, named in sets.items():
        for name, texts in named.items():
            for words in (10, 25, 60):
                passing(language, name, windows(texts, words, 1 if language == "en" else 6), words)


def same_decisions(python: str, language: str, texts: list[str]) -> None:
    """2,000 candidates of 8 to 60 words against a pool of 100; each stretch of text is used once."""
    rng = random.Random(1)
    cut = [
        " ".join(words(t)[: rng.randint(8, 60)]) for t in rng.sample(texts, min(len(texts), 2400))
    ]
    pool, candidates = cut[:100], [c for c in cut[100:] if len(c.split()) >= 8][:2000]
    novelty = Novelty([], cutoff=CUTOFF)
    for text in pool:
        novelty.add(text)
    ours = [novelty.neighbour(text) is None for text in candidates]
    theirs, _ = ask(python, [CUTOFF, pool, candidates])
    same = sum(a == b for a, b in zip(ours, theirs, strict=True))
    print(f"{language}: {same} of {len(ours)} decisions equal, {sum(ours)} accepted")


def speed(python: str, texts: list[str]) -> None:
    novelty, calibrated = Novelty([], cutoff=CUTOFF), Novelty(seeds("en"))
    for text in texts[:10_000]:
        novelty.add(text)
    calibrated.pool, calibrated.letters = novelty.pool, novelty.letters
    calibrated.lengths.extend(novelty.lengths)
    calibrated.levels.extend([0.0] * 10_000)
    candidates = texts[10_000:10_050]
    for name, pool in (("fixed", novelty), ("calibrated", calibrated)):
        started = time.process_time()
        for text in candidates:
            pool.neighbour(text)
        each = (time.process_time() - started) / len(candidates)
        if name == "fixed":
            _, seconds = ask(python, [CUTOFF, texts[:10_000], candidates[:1]])
        print(
            f"{name}: {each * 1000:.1f} ms, rouge-score {seconds:.1f} s: {seconds / each:.0f} times as fast"
        )


def passing(language: str, name: str, texts: list[str], length: int) -> None:
    rates = []
    for pool in (100, 2000):
        tested = texts[pool : pool + 400]
        if len(tested) < 200:
            rates.append("   -  (too few)")
            continue
        calibrated, fixed = Novelty(seeds(language)), Novelty([], cutoff=CUTOFF)
        for text in texts[:pool]:
            calibrated.add(text)
            fixed.add(text)
        new = sum(calibrated.neighbour(t) is None for t in tested) / len(tested)
        rates.append(
            f"{new:.3f} ({sum(fixed.neighbour(t) is None for t in tested) / len(tested):.3f})"
        )
    print(f"{language} {name:9} {length:3} words: pool 100 {rates[0]}   pool 2,000 {rates[1]}")


def derive() -> None:
    """Fit the constants on all four sets, then on three, and see how much of the fourth would pass.

    TRIMMED is needed to measure the others: after a change of it, derive again.
    """
    sets = {
        ("en", "talks"): talks(),
        ("en", "roleplay"): roleplay(),
        ("ru", "plays"): plays(),
        ("ru", "loose"): loose(),
    }
    found: dict[tuple[str, str], list[Strays]] = {}
    for named, texts in sets.items():
        whole = list(texts)
        cut = (windows(whole, size, 1 if named[0] == "en" else 6) for size in SIZES)
        found[named] = [strays(named[0], texts) for texts in cut]
        print(
            *named,
            "TRIMMED by length",
            *(f"{cell.trimmed:.3f}" for cell in found[named]),
            flush=True,
        )
    cells = [cell for lengths in found.values() for cell in lengths]
    print(f"all: TRIMMED {np.mean([cell.trimmed for cell in cells]):.2f}, REACH {fit(cells)}")
    for held in found:
        reach = fit([cell for named, lengths in found.items() if named != held for cell in lengths])
        for pool in (100, 1500):
            rates = (
                f"{size} words {cell.passing(pool, *reach):.3f}"
                for size, cell in zip(SIZES, found[held], strict=True)
            )
            print(*held, f"held out: REACH {reach}, pass at a pool of {pool}:", ", ".join(rates))


class Strays(NamedTuple):
    """Unrelated texts against a pool. trimmed: deviation of the lowest 98 % over that of all, mean over the texts.

    beyond: how far each pair is beyond the usual, in standard deviations, (texts, pool).
    """

    trimmed: float
    beyond: NDArray[np.float64]

    def passing(self, pool: int, base: float, slope: float) -> float:
        """The share of texts that would be new enough, of which .95 should be."""
        limit = base - slope * math.log10(1 - 0.95 ** (1 / pool))
        return float((self.beyond[:, :pool].max(axis=1) <= limit).mean())


def strays(language: str, texts: list[str]) -> Strays:
    """Measured as `Novelty.neighbour` does, 300 texts against 1,500."""
    novelty = Novelty(seeds(language))
    for text in texts[:1500]:
        novelty.add(text)
    beyond, trimmed = [], []
    for text in texts[1500:1800]:
        coded = novelty.coded(text)
        alike = rouge_l(coded, novelty.pool, np.array(novelty.lengths))
        usual, unit = novelty.usual(coded, alike)
        beyond.append((alike - usual) / unit)
        every = novelty.strays_of(coded, alike)
        trimmed.append(every[every <= np.quantile(every, 0.98)].std() / every.std())
    return Strays(float(np.mean(trimmed)), np.array(beyond))


def fit(cells: list[Strays]) -> tuple[float, float]:
    """REACH_0 and REACH_1: the line through how far the most alike share of pairs is beyond the usual."""
    reached = np.array([np.quantile(cell.beyond, 1 - np.array(SHARES)) for cell in cells])
    slope, base = np.polyfit(-np.log10(SHARES), reached.mean(axis=0), 1)
    return round(float(base), 2), round(float(slope), 2)


def words(text: str) -> list[str]:
    return normalised(text).split()


def windows(texts: list[str], length: int, most: int = 1) -> list[str]:
    """Stretches of equal length, at most so many of one text, in a fixed order by chance."""
    cut = [
        " ".join(w[i : i + length])
        for w in map(words, texts)
        for i in range(0, len(w) - length + 1, length)[:most]
    ]
    random.Random(3).shuffle(cut)
    return cut


def seeds(language: str) -> list[str]:
    raw = yaml.safe_load((ROOT / "configs" / "personas" / f"{language}.yaml").read_text("utf-8"))
    return [character["description"] for character in raw]


def talks() -> Iterator[str]:
    for path in sorted((DATA / "self_dialogue").glob("*.csv*")):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                yield " ".join(value for key, value in row.items() if "sentence" in key and value)


def roleplay() -> Iterator[str]:
    for path in sorted((DATA / "gpteacher_roleplay").glob("*.json*")):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            yield from (record["response"] for record in json.load(file))


def plays() -> Iterator[str]:
    """Stretches of 60 words of all plays."""
    for path in sorted((DATA / "plays_ru").iterdir()):
        if "SOURCE" not in path.name:
            text = (gzip.open if path.suffix == ".gz" else open)(
                path, "rt", encoding="utf-8"
            ).read()
            speeches = " ".join(
                re.sub(r"<[^>]+>", " ", s) for s in re.findall(r"<sp\b.*?</sp>", text, re.S)
            )
            said = words(speeches)
            yield from (" ".join(said[i : i + 60]) for i in range(0, len(said) - 60, 60))


def loose() -> list[str]:
    """Loose sentences, one of each group, put together by chance until they are 60 words long."""
    sentences: list[str] = []
    for path in sorted((DATA / "koziev_reorder").iterdir()):
        if "SOURCE" not in path.name:
            text = (gzip.open if path.suffix == ".gz" else open)(
                path, "rt", encoding="utf-8"
            ).read()
            sentences += [
                group.strip().split("\n")[0] for group in text.split("\n\n") if group.strip()
            ]
    random.Random(5).shuffle(sentences)
    joined: list[list[str]] = [[]]
    for sentence in sentences:
        if len(joined[-1]) >= 60:
            joined.append([])
        joined[-1] += words(sentence)
    return [" ".join(w) for w in joined]


def peer() -> str:
    place = ROOT / "build" / "peers-novelty"
    uv = str(Path(sys.executable).parent / "uv")
    if not place.exists():
        subprocess.run([uv, "venv", "-q", str(place)], check=True)
        subprocess.run(
            [uv, "pip", "install", "-q", "--python", str(place / "bin/python"), "rouge-score"],
            check=True,
        )
    return str(place / "bin/python")


def ask(python: str, given: object) -> tuple[list[bool], float]:
    told = subprocess.run(
        [python, "-c", PEER], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    decisions, seconds = json.loads(told.stdout)
    return decisions, seconds


if __name__ == "__main__":
    derive() if sys.argv[1:] == ["derive"] else main()
