"""The same work done by others: run by their own Python, see `benchmarks/llm.py`. Prints nothing, writes rows.jsonl.

    build/peers/plain/bin/python benchmarks/llm_peers.py '{"client": "plain", "what": "single", "url": …, "n": 2000, …}'

plain: AsyncOpenAI and a semaphore, as most people write it. curator, distilabel: their shortest documented way to send
prompts to an OpenAI-compatible server, caching left on where it is the default.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

SYSTEM = "You are the owner of a small cafe by the river. " * 16


def prompt(i: int) -> str:
    return f"{i}: What was the nicest thing a guest said to you this week? Tell me all of it, please."


def write(folder: str, rows: list[tuple[int, str]]) -> None:
    lines = [json.dumps({"row": i, "text": text}) for i, text in sorted(rows)]
    Path(folder, "rows.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


async def plain(job: dict[str, Any]) -> list[tuple[int, str]]:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="none", base_url=job["url"])
    gate = asyncio.Semaphore(job["in_flight"])

    async def ask(messages: list[Any]) -> str:
        async with gate:
            answer = await client.chat.completions.create(model="sim", messages=messages, max_tokens=300)
        return answer.choices[0].message.content or ""

    async def single(i: int) -> str:
        return await ask([{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt(i)}])

    async def dialogue(i: int) -> str:
        messages: list[Any] = [{"role": "system", "content": f"{SYSTEM} Guest {i}."}]
        for turn in range(8):
            messages.append({"role": "user", "content": f"This is what I say in turn {turn}."})
            messages.append({"role": "assistant", "content": await ask(messages)})
        return str(messages[-1]["content"])

    work = single if job["what"] == "single" else dialogue
    answers = await asyncio.gather(*(work(i) for i in range(job["n"])), return_exceptions=True)
    return [(i, a) for i, a in enumerate(answers) if isinstance(a, str)]


def curator(job: dict[str, Any]) -> list[tuple[int, str]]:
    os.environ |= {"CURATOR_DISABLE_RICH_DISPLAY": "1", "TELEMETRY_ENABLED": "0", "OPENAI_API_KEY": "none"}
    os.environ["CURATOR_CACHE_DIR"] = job["folder"]
    import tiktoken

    words = type("Words", (), {"encode": lambda self, text, **_: text.split()})()
    tiktoken.get_encoding = tiktoken.encoding_for_model = lambda _: words  # its tables would be downloaded
    from bespokelabs import curator as bespoke

    class Asker(bespoke.LLM):  # type: ignore[misc]
        def prompt(self, row: dict[str, Any]) -> Any:
            return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt(row["row"])}]

        def parse(self, row: dict[str, Any], answer: str) -> Any:
            return {"row": row["row"], "text": answer}

    limits = {"max_concurrent_requests": job["in_flight"], "max_requests_per_minute": 10**6}
    limits |= {"max_tokens_per_minute": 10**9, "base_url": job["url"]}
    asker = Asker(model_name="sim", backend="openai", backend_params=limits, generation_params={"max_tokens": 300})
    answers = asker([{"row": i} for i in range(job["n"])])
    answers = getattr(answers, "dataset", answers)
    return [(row["row"], row["text"]) for row in answers]


def distilabel(job: dict[str, Any]) -> list[tuple[int, str]]:
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    rows = [{"row": i, "instruction": prompt(i), "system_prompt": SYSTEM} for i in range(job["n"])]
    with Pipeline(name="bench", cache_dir=job["folder"]) as pipeline:
        model = OpenAILLM(model="sim", base_url=job["url"], api_key="none", generation_kwargs={"max_new_tokens": 300})
        load = LoadDataFromDicts(data=rows, batch_size=job["in_flight"])
        load >> TextGeneration(llm=model, input_batch_size=job["in_flight"])
    answers = pipeline.run(use_cache=False)["default"]["train"]
    return [(row["row"], row["generation"]) for row in answers if row["generation"]]


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    if given["client"] == "plain":
        done = asyncio.run(plain(given))
    else:
        done = {"curator": curator, "distilabel": distilabel}[given["client"]](given)
    write(given["folder"], done)
