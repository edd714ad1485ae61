"""Novelty: the decisions of rouge-score at a fixed limit, speed, how often unrelated texts pass.

    .venv/bin/python -m benchmarks.novelty            # against rouge-score, and what passes
    .venv/bin/python -m benchmarks.novelty derive     # the constants of novelty.py

rouge-score is installed into build/peers-novelty by uv. Sets are read from ../shared/data.
Unrelated texts: dialogues of different people (English), speeches of plays and loose sentences put
together (Russian), cut to equal length.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline import texts
from pipeline.conversation import normalised
from pipeline.generate.novelty import LOWEST, Novelty, rouge_l

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
LENGTHS = (10, 25, 60)  # words
SHARES = (1e-2, 1e-3, 1e-4, 2e-5)  # of pairs: what pools of 5 to 2,500 texts ask for
CUTOFF = 0.24  # gpt_roleplay_realm
ACCEPTED = 0.95  # the share of unrelated texts that is to pass
STRETCHES = {"en": 1, "ru": 6}  # of one text, at most; the Russian sets have few texts
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
    english = {"talks": list(talks()), "roleplay": list(roleplay())}
    russian = {"plays": list(plays()), "mixed": [*plays(), *loose()]}
    print("## the same decisions as rouge-score at a fixed cut-off of .24")
    same_decisions(python, "en", english["talks"])
    same_decisions(python, "ru", russian["mixed"])
    print("\n## one candidate against 10,000 texts of 60 words")
    speed(python, windows(english["talks"], 60))
    print("\n## unrelated texts that pass, calibrated to .95 on our seeds (fixed .24 beside)")
    for language, sets in (("en", english), ("ru", russian)):
        for name, whole in sets.items():
            for length in LENGTHS:
                passing(language, name, windows(whole, length, STRETCHES[language]), length)


def same_decisions(python: str, language: str, whole: list[str]) -> None:
    """2,000 candidates of 8 to 60 words against a pool of 100; each stretch is used once."""
    rng = random.Random(1)
    sampled = rng.sample(whole, min(len(whole), 2400))
    cut = [" ".join(words(text)[: rng.randint(8, 60)]) for text in sampled]
    pool, candidates = cut[:100], [text for text in cut[100:] if len(text.split()) >= 8][:2000]
    novelty = filled(Novelty([], cutoff=CUTOFF), pool)
    ours = [novelty.neighbour(text) is None for text in candidates]
    theirs, _ = ask(python, [CUTOFF, pool, candidates])
    same = sum(map(bool.__eq__, ours, theirs))
    print(f"{language}: {same} of {len(ours)} decisions equal, {sum(ours)} accepted")


def speed(python: str, stretches: list[str]) -> None:
    pool, candidates = stretches[:10_000], stretches[10_000:10_050]
    fixed, calibrated = filled(Novelty([], cutoff=CUTOFF), pool), Novelty(seeds("en"))
    # the pool without its levels, which would take an hour
    calibrated.pool, calibrated.letters = fixed.pool, fixed.letters
    calibrated.lengths.extend(fixed.lengths)
    calibrated.levels.extend([0.0] * len(pool))
    _, theirs = ask(python, [CUTOFF, pool, candidates[:1]])
    for name, novelty in (("fixed", fixed), ("calibrated", calibrated)):
        started = time.process_time()
        for text in candidates:
            novelty.neighbour(text)
        each = (time.process_time() - started) / len(candidates)
        times = f"{theirs / each:.0f} times as fast"
        print(f"{name}: {each * 1000:.1f} ms, rouge-score {theirs:.1f} s: {times}")


def passing(language: str, name: str, stretches: list[str], length: int) -> None:
    rates = []
    for pool in (100, 2000):
        tested = stretches[pool : pool + 400]
        if len(tested) < 200:
            rates.append("   -  (too few)")
            continue
        calibrated = filled(Novelty(seeds(language)), stretches[:pool])
        fixed = filled(Novelty([], cutoff=CUTOFF), stretches[:pool])
        rates.append(f"{share_new(calibrated, tested):.3f} ({share_new(fixed, tested):.3f})")
    print(f"{language} {name:9} {length:3} words: pool 100 {rates[0]}   pool 2,000 {rates[1]}")


def filled(novelty: Novelty, pool: Iterable[str]) -> Novelty:
    for text in pool:
        novelty.add(text)
    return novelty


def share_new(novelty: Novelty, tested: Sequence[str]) -> float:
    return sum(novelty.neighbour(text) is None for text in tested) / len(tested)


# --- where the constants are from


class Excess(NamedTuple):
    """Unrelated texts against a pool: how far their similarities are above the usual.

    trimmed: deviation of the lowest .98 over that of all, mean over the texts.
    deviations: of each pair, (texts, pool).
    """

    trimmed: float
    deviations: NDArray[np.float64]

    def passing(self, pool: int, base: float, slope: float) -> float:
        """The share of texts that would be new enough, of which .95 should be."""
        limit = base - slope * math.log10(1 - ACCEPTED ** (1 / pool))
        return float((self.deviations[:, :pool].max(axis=1) <= limit).mean())


def derive() -> None:
    """Fit the constants on all four sets, then on three, and see how much of the fourth passes.

    TRIMMED is needed to measure the others: after a change of it, derive again.
    """
    sets = {
        ("en", "talks"): talks(),
        ("en", "roleplay"): roleplay(),
        ("ru", "plays"): plays(),
        ("ru", "loose"): loose(),
    }
    found: dict[tuple[str, str], list[Excess]] = {}
    for (language, name), given in sets.items():
        measured = excess_of(language, list(given))
        found[language, name] = measured
        trimmed = (f"{cell.trimmed:.3f}" for cell in measured)
        print(language, name, "TRIMMED by length", *trimmed, flush=True)
    cells = [cell for measured in found.values() for cell in measured]
    print(f"all: TRIMMED {np.mean([cell.trimmed for cell in cells]):.2f}, REACH {fit(cells)}")
    for held in found:
        others = [measured for name, measured in found.items() if name != held]
        print_held_out(held, found[held], fit([cell for cells in others for cell in cells]))


def print_held_out(
    name: tuple[str, str], cells: Sequence[Excess], reach: tuple[float, float]
) -> None:
    for pool in (100, 1500):
        rates = [cell.passing(pool, *reach) for cell in cells]
        by_length = (
            f"{length} words {rate:.3f}" for length, rate in zip(LENGTHS, rates, strict=True)
        )
        print(*name, f"held out: REACH {reach}, pass at a pool of {pool}:", ", ".join(by_length))


def excess_of(language: str, whole: list[str]) -> list[Excess]:
    """By length."""
    cut = (windows(whole, length, STRETCHES[language]) for length in LENGTHS)
    return [excess(language, stretches) for stretches in cut]


def excess(language: str, stretches: list[str]) -> Excess:
    """Measured as `Novelty.neighbour` does, 300 texts against 1,500."""
    novelty = filled(Novelty(seeds(language)), stretches[:1500])
    deviations, trimmed = [], []
    for text in stretches[1500:1800]:
        coded = novelty.coded(text)
        similarities = rouge_l(coded, novelty.pool, novelty.pool_lengths())
        usual, deviation = novelty.usual(coded, similarities)
        deviations.append((similarities - usual) / deviation)
        scores = novelty.z_scores(coded, similarities)
        trimmed.append(scores[scores <= np.quantile(scores, LOWEST)].std() / scores.std())
    return Excess(float(np.mean(trimmed)), np.array(deviations))


def fit(cells: Sequence[Excess]) -> tuple[float, float]:
    """REACH_0 and REACH_1: a line through the deviations that a share of the pairs exceeds."""
    shares = np.array(SHARES)
    reached = np.array([np.quantile(cell.deviations, 1 - shares) for cell in cells])
    slope, base = np.polyfit(-np.log10(shares), reached.mean(axis=0), 1)
    return round(float(base), 2), round(float(slope), 2)


# --- texts


def words(text: str) -> list[str]:
    return normalised(text).split()


def windows(whole: Iterable[str], length: int, most: int = 1) -> list[str]:
    """Stretches of equal length, at most so many of one text, in a fixed order by chance."""
    cut = [stretch for text in whole for stretch in stretches_of(words(text), length)[:most]]
    random.Random(3).shuffle(cut)
    return cut


def stretches_of(text: list[str], length: int) -> list[str]:
    starts = range(0, len(text) - length + 1, length)
    return [" ".join(text[start : start + length]) for start in starts]


def seeds(language: str) -> list[str]:
    return [character["description"] for character in texts.values("personas", f"{language}.yaml")]


def talks() -> Iterator[str]:
    for path in sorted((DATA / "self_dialogue").glob("*.csv*")):
        for row in csv.DictReader(io.StringIO(content(path))):
            yield " ".join(value for key, value in row.items() if "sentence" in key and value)


def roleplay() -> Iterator[str]:
    for path in sorted((DATA / "gpteacher_roleplay").glob("*.json*")):
        yield from (record["response"] for record in json.loads(content(path)))


def plays() -> Iterator[str]:
    """Stretches of 60 words of all plays."""
    for path in data_files("plays_ru"):
        speeches = re.findall(r"<sp\b.*?</sp>", content(path), re.S)
        spoken = words(" ".join(re.sub(r"<[^>]+>", " ", speech) for speech in speeches))
        yield from (" ".join(spoken[at : at + 60]) for at in range(0, len(spoken) - 60, 60))


def loose() -> list[str]:
    """Loose sentences, one of each group, put together by chance until they are 60 words long."""
    sentences: list[str] = []
    for path in data_files("koziev_reorder"):
        groups = filter(None, map(str.strip, content(path).split("\n\n")))
        sentences += [group.split("\n")[0] for group in groups]
    random.Random(5).shuffle(sentences)
    joined: list[list[str]] = [[]]
    for sentence in sentences:
        if len(joined[-1]) >= 60:
            joined.append([])
        joined[-1] += words(sentence)
    return list(map(" ".join, joined))


def data_files(folder: str) -> list[Path]:
    return [path for path in sorted((DATA / folder).iterdir()) if "SOURCE" not in path.name]


def content(path: Path) -> str:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return str(file.read())


# --- rouge-score


def peer() -> str:
    """The Python of an environment with rouge-score."""
    place = ROOT / "build" / "peers-novelty"
    python, uv = str(place / "bin/python"), str(Path(sys.executable).parent / "uv")
    if not place.exists():
        subprocess.run([uv, "venv", "-q", str(place)], check=True)
        install = [uv, "pip", "install", "-q", "--python", python, "rouge-score"]
        subprocess.run(install, check=True)
    return python


def ask(python: str, given: object) -> tuple[list[bool], float]:
    """The decisions of rouge-score and the CPU seconds they took."""
    answer = subprocess.run(
        [python, "-c", PEER], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    decisions, seconds = json.loads(answer.stdout)
    return decisions, seconds


if __name__ == "__main__":
    derive() if sys.argv[1:] == ["derive"] else main()
