"""How a companion paces itself: python -m benchmarks.companion [--talks N] [--disobeys SHARE]

Kinds of users that the agent was tuned on, and fresh ones, talk with a puppet that rushes, loops
and refuses: bare, and as a companion. 15 replies a talk; in a further run a warm user has 20.
Besides: CPU of tracker and check at 100 messages; with --load SECONDS only the memory of a server
under five requests a second, and its slope.

rushed      share of replies that are more private than the user welcomes (bounds: .10, .15 a kind)
violations  share of shown replies that break a rule which drops a row (.02)
repeats     share of shown replies that were said before, word for word (.01)
close       share of warm users' talks of 40 messages that reach `close` (at least .80)
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
import openai

from benchmarks import companion_users as users
from benchmarks.companion_users import Held
from pipeline.companion.agent import Companion, seed
from pipeline.companion.decision import decide
from pipeline.companion.reply import MODEL, fault_of
from pipeline.companion.signs import signs
from pipeline.companion.tracker import follow
from pipeline.conversation import Message
from pipeline.llm import Client, run
from tests.companions import served

REPLIES, WARM_REPLIES = 15, 20


async def held(
    who: Companion, file: str, kind: str, talks: int, replies: int, disobeys: float = 0.0
) -> list[list[Held]]:
    """Talks of one kind of users."""
    puppet = partial(users.puppet, disobeys=disobeys)
    client = Client({MODEL: users.MODEL}, users.MEMORY, None, {}, 0, puppet, kept=500)
    async with client:
        return [
            await users.talk(who, client, users.user(file, kind, number), replies)
            for number in range(talks)
        ]


def line(name: str, found: Sequence[Held]) -> str:
    rushed = fmean(one.rushed for one in found)
    violates, repeats = fmean(one.violates for one in found), fmean(one.repeats for one in found)
    lines = fmean(one.found is not None and one.found.by == "line" for one in found)
    return f"{name:22} {rushed:7.3f} {violates:10.3f} {repeats:8.3f} {lines:7.3f} {len(found):8}"


def overhead(who: Companion) -> str:
    """CPU of tracker and check at 100 messages, the last of them new: the least of nine."""
    lines = list(users.levels())
    roles = ("user", "assistant")
    talk = [Message(roles[n % 2], f"{lines[n % len(lines)]} {n}") for n in range(100)]
    tracked, checked = [], []
    for number in range(9):
        talk[-2] = Message("user", f"And then there was the other lamp, number {number}.")
        start = time.process_time()
        state = follow(signs(talk[:-1], "en"))[-1]
        middle = time.process_time()
        fault_of(who, talk[:-1], f"The fog went at noon, {number} of it.", state, decide(state))
        tracked.append(middle - start)
        checked.append(time.process_time() - middle)
    return f"tracker {min(tracked) * 1e3:.1f} ms, check {min(checked) * 1e3:.1f} ms"


def load(seconds: float) -> str:
    """Memory of a server (and of its clients, in the same process) under a bounded load."""
    samples: list[tuple[float, float]] = []
    with served() as address, openai.OpenAI(base_url=f"{address}/v1", api_key="x") as client:
        start = time.monotonic()
        for number in range(int(5 * seconds)):
            time.sleep(max(0.0, start + number / 5 - time.monotonic()))
            said = [
                {"role": "user", "content": f"Hello from tram {n}."} for n in range(number % 9 + 1)
            ]
            client.chat.completions.create(model="mara-lind", messages=said, seed=number)
            if number % 25 == 0:
                samples.append(((time.monotonic() - start) / 60, resident()))
    settled = np.array(samples[len(samples) // 3 :])  # caches fill at first
    fit, cov = np.polyfit(settled[:, 0], settled[:, 1], 1, cov=True)
    spread = 1.96 * math.sqrt(cov[0, 0])
    return f"{fit[0]:+.2f} ± {spread:.2f} MB a minute at {settled[-1, 1]:.0f} MB, {seconds:.0f} s"


def resident() -> float:
    """MB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--talks", type=int, default=40)
    parser.add_argument("--disobeys", type=float, default=0.0, help="share of notes disobeyed")
    parser.add_argument("--load", type=float, metavar="SECONDS", help="measure memory alone")
    talks, disobeys, seconds = vars(parser.parse_args()).values()
    if seconds:
        print(load(seconds))
        return
    who = seed()
    print(f"{'':22} {'rushed':>7} {'violations':>10} {'repeats':>8} {'lines':>7} {'replies':>8}")
    for file in ("tuned", "fresh"):
        alone: list[Held] = []
        together: list[Held] = []
        for kind in users.kinds(file):
            for number in range(talks):
                alone += users.bare(users.user(file, kind, number), REPLIES)
            found = run(held(who, file, kind, talks, REPLIES, disobeys))
            own = [one for talk in found for one in talk]
            print(line(f"{file}: {kind}", own), flush=True)
            together += own
        print(line(f"{file}: all", together))
        print(line(f"{file}: bare puppet", alone))
    warm = run(held(who, "tuned", "warm", talks, WARM_REPLIES, disobeys))
    reached = [talk[-1].found is not None and talk[-1].found.state.stage == 2 for talk in warm]
    print(
        f"warm users who reach close in 40 messages: {fmean(reached):.2f} of {len(reached)} talks"
    )
    print(overhead(who))


if __name__ == "__main__":
    main()
