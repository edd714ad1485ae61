"""Google AI Studio, saved prompts: `chunks` of a role and a text.

{"runSettings": {"model": "models/gemini-2.5-pro"}, "systemInstruction": {"text": "You are Ada."},
 "chunkedPrompt": {"chunks": [{"role": "user", "text": "Hello"},
                              {"role": "model", "text": "A guest.", "isThought": true},
                              {"role": "model", "text": "Good evening."}]}}

Thoughts and the model go to `extra`; files, pictures and errors are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.assistants.gemini import PROMPTS, ROLES
from pipeline.collect.shapes.common import branches
from pipeline.collect.shapes.common.branches import Node
from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    dict_of,
    dicts_of,
    first_of,
    rest,
    text_of,
)

ABOUT = About("Google AI Studio, saved prompts", ("roles", "personas"), private=True)

# fields of a chunk without a text
OTHERS = {
    "driveImage": "picture",
    "inlineImage": "picture",
    "driveAudio": "audio recording",
    "driveVideo": "video",
    "youtubeVideo": "video",
    "driveDocument": "file",
    "inlineFile": "file",
    "inlineData": "file",
    "executableCode": "tool call",
    "codeExecutionResult": "result of a tool",
    "errorMessage": "error",
}


def recognise(record: object) -> bool:
    prompt = record.get("chunkedPrompt") if isinstance(record, dict) else None
    return isinstance(prompt, dict) and isinstance(prompt.get("chunks"), list)


def read(record: object) -> Iterator[Transcript]:
    fields = dict_of(record, "the record")
    prompt = dict_of(fields.get("chunkedPrompt"), "chunkedPrompt")
    chunks = dicts_of(prompt.get("chunks"), "chunks", "chunk")
    nodes = branches.by_id(chunks, [], _node)
    found = branches.read(nodes, next(reversed([*nodes]), None))
    prompts = {name: fields[name] for name in PROMPTS if name in fields}
    branches.with_prompt(prompts, found)
    found.extra = {**rest(fields, "chunkedPrompt", *PROMPTS), **found.extra}
    yield found


def _node(chunk: Fields, where: str) -> Node:
    role = ROLES.get(str(chunk.get("role")))
    if role is None:
        raise ValueError(f"{where} has the role {chunk.get('role')!r}")
    other = first_of(OTHERS, chunk)
    if "text" not in chunk and other:
        return Node(None, None, {}, (OTHERS[other],))
    text = text_of(chunk.get("text"), f"the text of {where}")
    if chunk.get("isThought"):
        return Node(None, None, {"thoughts": [text]}, ("thought",))
    return branches.node(None, (None, text, role), {})
