"""What the peers' scripts share: conversations in, texts, shingles, kept conversations out."""

import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

WORD = re.compile(r"\w+")


def read() -> pa.Table:
    """The conversations, with one more column `text`: all their messages."""
    table = pq.read_table(Path(sys.argv[1], "kept")).combine_chunks()
    messages = table["messages"].chunk(0)
    texts = pa.ListArray.from_arrays(messages.offsets, messages.values.field("content"))
    return table.append_column("text", pc.binary_join(texts, "\n"))


def grams(text: str) -> set[str]:
    words = WORD.findall(text.lower())
    return {" ".join(words[i : i + 5]) for i in range(max(1, len(words) - 4))} if words else set()


def write(table: pa.Table, keep: list[bool]) -> None:
    Path(sys.argv[2], "kept").mkdir(parents=True)
    kept = table.drop_columns(["text"]).filter(pa.array(keep))
    pq.write_table(kept, Path(sys.argv[2], "kept", "part.parquet"), compression="zstd")
