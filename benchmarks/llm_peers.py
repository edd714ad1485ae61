"""The same work done by others. Prints nothing, writes rows.jsonl.

Run by their own Python, see `benchmarks/llm.py`:

    build/peers/plain/bin/python benchmarks/llm_peers.py '{"client": "plain", "what": "single", …}'

plain: AsyncOpenAI and a semaphore, as most people write it.
curator, distilabel: the shortest documented way to send prompts to an OpenAI-compatible server,
caching left on where it is the default.
"""

# no `annotations` from __future__: distilabel reads the types of a step

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

TURNS = 8
SYSTEM = "You are the owner of a small cafe by the river. " * 16


def turns(job: dict[str, Any]) -> int:
    return TURNS if job["what"] == "dialogue" else 1


def first_turn(job: dict[str, Any], i: int) -> list[dict[str, str]]:
    if job["what"] == "dialogue":
        return next_turn([{"role": "system", "content": f"{SYSTEM} Guest {i}."}], 0)
    text = (
        f"{i}: What was the nicest thing a guest said to you this week? Tell me all of it, please."
    )
    edited = " (edited)" if i < job.get("edited", 0) else ""
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text + edited}]


def next_turn(messages: list[dict[str, str]], turn: int) -> list[dict[str, str]]:
    return [*messages, {"role": "user", "content": f"This is what I say in turn {turn}."}]


def answered(messages: list[dict[str, str]], text: str) -> list[dict[str, str]]:
    return [*messages, {"role": "assistant", "content": text}]


def write(folder: str, rows: list[tuple[int, str]]) -> None:
    lines = [json.dumps({"row": i, "text": text}) for i, text in sorted(rows)]
    Path(folder, "rows.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


async def plain(job: dict[str, Any]) -> list[tuple[int, str]]:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="none", base_url=job["url"])
    permits = asyncio.Semaphore(job["in_flight"])

    async def ask(messages: list[Any]) -> str:
        async with permits:
            answer = await client.chat.completions.create(
                model="sim", messages=messages, max_tokens=300
            )
        return answer.choices[0].message.content or ""

    async def row(i: int) -> str:
        messages = first_turn(job, i)
        text = await ask(messages)
        for turn in range(1, turns(job)):
            messages = next_turn(answered(messages, text), turn)
            text = await ask(messages)
        return text

    answers = await asyncio.gather(*map(row, range(job["n"])), return_exceptions=True)
    return [(i, a) for i, a in enumerate(answers) if isinstance(a, str)]


def curator(job: dict[str, Any]) -> list[tuple[int, str]]:
    os.environ |= {
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
        "TELEMETRY_ENABLED": "0",
        "OPENAI_API_KEY": "none",
    }
    os.environ["CURATOR_CACHE_DIR"] = job["folder"]
    import tiktoken

    words = type("Words", (), {"encode": lambda self, text, **_: text.split()})()
    tiktoken.get_encoding = tiktoken.encoding_for_model = lambda _: (
        words
    )  # its tables would be downloaded
    from bespokelabs import curator as bespoke

    class Asker(bespoke.LLM):  # type: ignore[misc]
        def prompt(self, row: dict[str, Any]) -> Any:
            return row["messages"]

        def parse(self, row: dict[str, Any], answer: str) -> Any:
            messages = answered(row["messages"], answer)
            return {"row": row["row"], "messages": messages, "text": answer}

    limits = {"max_concurrent_requests": job["in_flight"], "max_requests_per_minute": 10**6}
    limits |= {"max_tokens_per_minute": 10**9, "base_url": job["url"]}
    asker = Asker(
        model_name="sim",
        backend="openai",
        backend_params=limits,
        generation_params={"max_tokens": 300},
    )
    answers = [{"row": i, "messages": first_turn(job, i)} for i in range(job["n"])]
    for turn in range(turns(job)):  # a call is one round over all rows
        if turn:
            answers = [
                {"row": a["row"], "messages": next_turn(a["messages"], turn)} for a in answers
            ]
        given = asker(answers)
        answers = list(getattr(given, "dataset", given))
    return [(row["row"], row["text"]) for row in answers]


def distilabel(job: dict[str, Any]) -> list[tuple[int, str]]:
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts, StepInput, step
    from distilabel.steps.tasks import ChatGeneration

    global Reply  # it is sent to a process of its own, by name

    @step(inputs=["messages", "generation"], outputs=["messages"])  # type: ignore[untyped-decorator]
    def Reply(inputs: StepInput) -> Any:
        for row in inputs:
            messages = answered(row["messages"], row["generation"] or "")
            row["messages"] = next_turn(messages, len(messages) // 2)
        yield inputs

    rows = [{"row": i, "messages": first_turn(job, i)} for i in range(job["n"])]
    size = job["in_flight"]
    with Pipeline(name="bench", cache_dir=job["folder"]) as pipeline:
        last = LoadDataFromDicts(data=rows, batch_size=size)
        for turn in range(turns(job)):
            if turn:
                reply = Reply(input_batch_size=size)
                last >> reply
                last = reply
            model = OpenAILLM(
                model="sim",
                base_url=job["url"],
                api_key="none",
                generation_kwargs={"max_new_tokens": 300},
            )
            chat = ChatGeneration(llm=model, input_batch_size=size)
            last >> chat
            last = chat
    answers = pipeline.run(use_cache=False)["default"]["train"]
    return [(row["row"], row["generation"]) for row in answers if row["generation"]]


def main() -> None:
    if len(sys.argv) < 2:
        return print(__doc__)
    job = json.loads(sys.argv[1])
    others = {"curator": curator, "distilabel": distilabel}
    done = asyncio.run(plain(job)) if job["client"] == "plain" else others[job["client"]](job)
    return write(job["folder"], done)


if __name__ == "__main__":
    main()
