"""Columns and folded texts of the rows of a Parquet file, computed on whole columns of Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.conversation import CRITERIA, MEASURES
from pipeline.criteria import criteria
from pipeline.look.index.columns import BESIDE, ENDS, UNKNOWN, FlatColumns, RowNumbers
from pipeline.look.index.fields import ALTERNATIVES, INDEXED, MESSAGES, SIMILARITY
from pipeline.look.index.flat import AnyArray
from pipeline.look.index.fold import BETWEEN, folded_texts
from pipeline.look.index.groups import leaves
from pipeline.look.opened import PartFile
from pipeline.store.columns import QUARANTINE_SCHEMA

ITEM = "list.element"  # what Parquet calls the items of a list
READ = (
    "id",
    *(f"messages.{ITEM}.{name}" for name in ("role", "content")),
    *(f"source.{name}" for name in ("name", "kind", "license")),
    "persona.name",
    "language.code",
    "edits",
    "measures",
    *(f"annotations.{ITEM}.{name}" for name in ("stage", "decision", "closeness", "emotion")),
    f"alternatives.{ITEM}.message",
    *(f"scores.{ITEM}.{name}" for name in ("criterion", "value", "by")),
    *(f"findings.{ITEM}.{name}" for name in ("stage", "rule", "value", "decision")),
    *QUARANTINE_SCHEMA.names,
)
KINDS = {"value": pa.float64(), "closeness": pa.float64()}  # of a field that is missing; else text
WORD = 8  # bytes of a number of 64 bits
START = 60  # characters of the first words
PER_ROW = r"\s*[\d,].*$"  # what an edit says of one row alone: `merged messages 2 to 3`


class ListColumn(NamedTuple):
    """A column of lists: their values end to end, and where each row ends."""

    values: pa.Array
    ends: RowNumbers

    @property
    def rows(self) -> RowNumbers:
        """(values,) the row that each belongs to."""
        lengths = np.diff(self.ends, prepend=0)
        return np.repeat(np.arange(len(self.ends)), lengths)

    def field(self, name: str) -> pa.Array:
        return field_of(self.values, name)


class FoldedTexts(NamedTuple):
    """Folded texts of rows, end to end, and where each row ends."""

    data: AnyArray
    ends: RowNumbers


def extracted(origin: PartFile) -> Iterator[tuple[FlatColumns, FoldedTexts]]:
    """Columns and texts of a file, a row group at a time. Raises UserError."""
    for table in leaves(origin, READ):
        if origin.outcome == "quarantined":
            yield _quarantined(origin, table)
        else:
            yield _columns(origin, table), _texts(table)


def _columns(origin: PartFile, table: pa.Table) -> FlatColumns:
    found = FlatColumns(table.num_rows)
    found.arrays["id"] = ids_of(table["id"])
    _add_facets(found, origin, table)
    _add_numbers(found, table)
    messages = lists(table, "messages")
    _put_list(found, "start", _utf8(_starts(messages)))
    found.arrays[MESSAGES] = np.diff(messages.ends, prepend=0).astype(np.float32)
    others = np.diff(lists(table, "alternatives").ends, prepend=0).astype(np.float32)
    if others.any():
        found.arrays[ALTERNATIVES] = others
    annotations = lists(table, "annotations")
    closeness = _float(annotations.field("closeness"))
    each = np.where(np.isnan(closeness), UNKNOWN, np.round(closeness * 100)).astype(np.int8)
    found.arrays["closeness.each"] = each
    found.arrays["closeness.each" + ENDS] = annotations.ends
    return found


def lists(table: pa.Table, name: str) -> ListColumn:
    """A column of lists; without any items where the table does not have it."""
    if name not in table.column_names:
        return ListColumn(pa.nulls(0, pa.struct([])), np.zeros(table.num_rows, np.int64))
    array = _whole(table[name])
    offsets = _numpy(array.offsets).astype(np.int64)
    values = array.values.slice(offsets[0], offsets[-1] - offsets[0])
    return ListColumn(values, offsets[1:] - offsets[0])


def field_of(values: pa.Array, name: str) -> pa.Array:
    """A field of structs; null where they do not have it."""
    if pa.types.is_struct(values.type) and values.type.get_field_index(name) >= 0:
        return pc.struct_field(values, name)
    return pa.nulls(len(values), KINDS.get(name, pa.string()))


def _struct(table: pa.Table, name: str) -> pa.Array:
    """A column of structs; of none where the table does not have it."""
    if name in table.column_names:
        return _whole(table[name])
    return pa.nulls(table.num_rows, pa.struct([]))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _numpy(array: pa.Array) -> AnyArray:
    found: AnyArray = array.to_numpy(zero_copy_only=False)
    return found


def _float(array: pa.Array) -> AnyArray:
    """float32, NaN for null."""
    return _numpy(array.cast(pa.float64())).astype(np.float32)


def ids_of(column: pa.ChunkedArray) -> AnyArray:
    """Ids as bytes of one length, a multiple of 8: they are compared as whole numbers."""
    texts = _utf8(pc.fill_null(_whole(column), ""))
    lengths = np.diff(texts.ends, prepend=0)
    longest = int(lengths.max(initial=1))
    width = -(-longest // WORD) * WORD
    if (lengths == width).all():  # as all ids of ours are
        return np.frombuffer(texts.data.tobytes(), f"S{width}")
    ids = [(one or "").encode() for one in column.to_pylist()]
    return np.array(ids, f"S{width}")


def _put_list(found: FlatColumns, name: str, texts: FoldedTexts) -> None:
    found.arrays[name], found.arrays[name + ENDS] = texts


def _utf8(texts: pa.Array) -> FoldedTexts:
    """The bytes of texts, and where each ends."""
    whole = texts.cast(pa.large_string())
    _, offsets, data = whole.buffers()
    ends = np.frombuffer(offsets, np.int64)[whole.offset : whole.offset + len(whole) + 1]
    if not len(whole) or data is None:
        return FoldedTexts(np.zeros(0, np.uint8), np.zeros(len(whole), np.int64))
    return FoldedTexts(np.frombuffer(data, np.uint8)[ends[0] : ends[-1]], ends[1:] - ends[0])


def _starts(messages: ListColumn) -> pa.Array:
    """The first words of the first message that is not the system's."""
    spoken = np.flatnonzero(_numpy(pc.not_equal(messages.field("role"), "system")))
    begins = np.concatenate([[0], messages.ends[:-1]])
    place = np.searchsorted(spoken, begins)
    first = np.append(spoken, len(messages.values))[place]
    has_one = first < messages.ends
    indices = pa.array(first, pa.int64(), mask=~has_one)
    texts = messages.field("content").take(indices)
    return pc.fill_null(pc.utf8_slice_codeunits(texts, 0, START), "")


# --- facets


def _add_facets(found: FlatColumns, origin: PartFile, table: pa.Table) -> None:
    source = _struct(table, "source")
    findings = lists(table, "findings")
    annotations = lists(table, "annotations")
    edits = lists(table, "edits")
    _put_constant(found, "outcome", origin.outcome)
    _put_constant(found, "stage", origin.stage)
    _put_constant(found, "split", origin.split)
    _put_single(found, "source", field_of(source, "name"))
    _put_single(found, "kind", field_of(source, "kind"))
    _put_single(found, "license", field_of(source, "license"))
    _put_single(found, "language", field_of(_struct(table, "language"), "code"))
    _put_single(found, "character", field_of(_struct(table, "persona"), "name"))
    _add_rules(found, findings, is_dropped=origin.outcome == "dropped")
    _put_several(found, "emotion", annotations, annotations.field("emotion"))
    _put_several(found, "step", annotations, annotations.field("decision"))
    _put_several(found, "closeness_stage", annotations, annotations.field("stage"))
    known = pc.dictionary_encode(edits.values.cast(pa.string()))
    kinds = pc.replace_substring_regex(known.dictionary, PER_ROW, "")
    _put_several(found, "edit", edits, kinds.take(known.indices))


def _put_constant(found: FlatColumns, name: str, value: str) -> None:
    found.arrays[name] = np.full(found.rows, int(bool(value)), np.uint8)
    found.values[name] = list(dict.fromkeys(("", value)))


def _put_single(found: FlatColumns, name: str, values: pa.Array) -> None:
    found.arrays[name], found.values[name] = _coded(values)


def _coded(values: pa.Array) -> tuple[AnyArray, list[str]]:
    """Numbers of values, 0 for null and "", and the values."""
    encoded = pc.dictionary_encode(values)
    codes = _numpy(pc.fill_null(encoded.indices, -1)).astype(np.int64) + 1
    return codes, ["", *map(str, encoded.dictionary.to_pylist())]


def _put_several(found: FlatColumns, name: str, of: ListColumn, values: pa.Array) -> None:
    """The set of values of each row."""
    members = _members(of, values)
    sets = [BESIDE.join(members.names[code] for code in own) for own in members.sets]
    added = int("" not in sets[:1])  # the first value is that of rows without any
    found.values[name] = [*[""] * added, *sets]
    found.arrays[name] = members.codes + added


class ValueSets(NamedTuple):
    """names: of values. sets: the sets that there are, by numbers of names; an empty one first.
    codes: (rows,) of a set."""

    names: list[str]
    sets: list[list[int]]
    codes: RowNumbers


def _members(of: ListColumn, values: pa.Array) -> ValueSets:
    """Two sets are the same where the sums of their members' numbers, drawn at random, are."""
    codes, names = _coded(values)
    rows, members = _pairs(of.rows[codes > 0], codes[codes > 0], len(names))
    drawn = np.random.default_rng(0).integers(1, 1 << 63, len(names), dtype=np.uint64)
    sums = np.zeros(len(of.ends), np.uint64)
    np.add.at(sums, rows, drawn[members])
    _, first, codes = np.unique(sums, return_index=True, return_inverse=True)
    bounds = np.searchsorted(rows, [first, first + 1])
    slices = map(slice, *bounds.tolist())
    return ValueSets(names, [members[own].tolist() for own in slices], codes)


def _pairs(rows: RowNumbers, codes: AnyArray, size: int) -> tuple[RowNumbers, RowNumbers]:
    """Each pair of a row and a value once, in order."""
    pairs = np.sort(rows * size + codes, kind="stable")
    return np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], size)


def _add_rules(found: FlatColumns, findings: ListColumn, is_dropped: bool) -> None:
    """The rules that fired, the one that dropped the row, and how similar it is to its partner."""
    decision = findings.field("decision")
    fired = pc.not_equal(decision, "measured")
    rules = findings.field("rule")
    _put_several(found, "rule", findings, pc.if_else(fired, rules, None))
    drops = _numpy(pc.equal(decision, "drop")) & is_dropped
    codes, found.values["reason"] = _coded(rules)
    found.arrays["reason"] = np.zeros(found.rows, np.int64)
    places = np.flatnonzero(drops)[::-1]  # of several the first is written last
    found.arrays["reason"][findings.rows[places]] = codes[places]
    similarity = np.full(found.rows, np.nan, np.float32)
    linked = np.flatnonzero(_numpy(pc.equal(findings.field("stage"), "dedup")))
    similarity[findings.rows[linked]] = _float(findings.field("value"))[linked]
    _put_number(found, SIMILARITY, similarity)


# --- numbers


def _put_number(found: FlatColumns, name: str, values: AnyArray) -> None:
    if not np.isnan(values).all():
        found.arrays[name] = values


def _add_numbers(found: FlatColumns, table: pa.Table) -> None:
    measures = _struct(table, "measures")
    for name in MEASURES:
        values = field_of(measures, name)
        if values.null_count < len(values):
            _put_number(found, name, _float(values))
    scores = lists(table, "scores")
    given = _float(scores.field("value"))
    names, by = scores.field("criterion"), scores.field("by")
    known = ~np.isnan(given)
    for name in CRITERIA:
        own = known & _numpy(pc.fill_null(pc.equal(names, name), False))
        offline = _numpy(pc.is_in(by, value_set=pa.array(criteria()[name].scorers, pa.string())))
        _put_number(found, name, _scored(found.rows, scores.rows, given, own, offline))


def _scored(
    count: int, rows: RowNumbers, given: AnyArray, own: AnyArray, offline: AnyArray
) -> AnyArray:
    """The value of a criterion as `criteria.score_of` chooses it: of a judge, else of a scorer."""
    values = np.full(count, np.nan, np.float32)
    for chosen in (own & offline, own & ~offline):
        places = np.flatnonzero(chosen)[::-1]
        values[rows[places]] = given[places]
    return values


# --- texts


def _texts(table: pa.Table) -> FoldedTexts:
    messages = lists(table, "messages")
    contents = pc.fill_null(messages.field("content"), "")
    offsets = np.concatenate([[0], messages.ends]).astype(np.int32)
    listed = pa.ListArray.from_arrays(pa.array(offsets), folded_texts(contents))
    return _utf8(pc.binary_join(listed, BETWEEN))


def _quarantined(origin: PartFile, table: pa.Table) -> tuple[FlatColumns, FoldedTexts]:
    found = FlatColumns(table.num_rows)
    found.arrays["id"] = ids_of(table["id"])
    for name in INDEXED:
        _put_constant(found, name, "")
    _put_constant(found, "outcome", origin.outcome)
    _put_constant(found, "stage", origin.stage)
    where = _whole(table["where"])
    _put_single(found, "source", pc.replace_substring_regex(where, "[#/:].*$", ""))
    _put_single(found, "reason", _whole(table["rule"]))
    empty = ListColumn(pa.array([], pa.string()), np.zeros(found.rows, np.int64))
    for name in ("rule", "emotion", "step", "closeness_stage", "edit"):
        _put_several(found, name, empty, empty.values)
    details = pc.fill_null(_whole(table["detail"]), "")
    _put_list(found, "start", _utf8(pc.utf8_slice_codeunits(details, 0, START)))
    found.arrays["closeness.each"] = np.zeros(0, np.int8)
    found.arrays["closeness.each" + ENDS] = np.zeros(found.rows, np.int64)
    raw = pc.fill_null(_whole(table["raw"]), "").cast(pa.large_string())
    found.arrays[MESSAGES] = np.zeros(found.rows, np.float32)
    return found, _utf8(folded_texts(raw))
