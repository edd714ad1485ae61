"""What the gates count over the published rows, part by part. Rows of the rehearsal model are never
released, so no gate is about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.publish.gates import licences
from pipeline.publish.gates.personal import UNMASKED
from pipeline.publish.gates.rating import RATED
from pipeline.publish.gates.refusal import NamedRows, Refusal
from pipeline.recipe.publish import PublishSettings

MASK = (
    "write `filter: {privacy: mask}` and run again, or leave the rows out; `rapport why` says where"
    " it stands; if it is nobody's, write `publish: {allow: [personal_data]}`"
)

# of a part, what is read for it
COLUMNS = ["id", "source", "findings.list.element.rule", "findings.list.element.value"]


class GateTally:
    """licences: the rows of each licence and source. private: private rows without consent, by
    source. personal: rows with personal data. grades: rows by how sexual they are."""

    def __init__(self, settings: PublishSettings) -> None:
        self._settings = settings
        self.licences: defaultdict[tuple[str | None, str], NamedRows] = defaultdict(NamedRows)
        self.private: defaultdict[str, NamedRows] = defaultdict(NamedRows)
        self.personal = NamedRows()
        self.grades: Counter[int] = Counter()

    def add(self, table: pa.Table) -> None:
        """Count the rows of a table that has `COLUMNS`."""
        real = table.filter(pc.invert(pc.struct_field(table["source"], "rehearsal")))
        ids = real["id"].to_pylist()
        sources = real["source"].to_pylist()
        for row, source in zip(ids, sources, strict=True):
            self._add_source(row, source)
        for number, rule, value in _findings(real):
            if rule == UNMASKED:
                self.personal.add([ids[number]])
            else:
                self.grades[int(value)] += 1

    def merge(self, other: GateTally) -> None:
        """Add what was counted of later rows."""
        for key, named in other.licences.items():
            self.licences[key].merge(named)
        for source, named in other.private.items():
            self.private[source].merge(named)
        self.personal.merge(other.personal)
        self.grades.update(other.grades)

    def _add_source(self, row: str, source: Mapping[str, Any]) -> None:
        name = source["name"]
        self.licences[source["license"], name].add([row])
        if source["private"] and name not in self._settings.consent:
            self.private[name].add([row])

    def refusals(self) -> Iterator[Refusal]:
        yield from self._private()
        if self.personal.rows:
            yield Refusal("personal_data", f"{self.personal} hold personal data or secrets", MASK)
        yield from licences.refusals(self.licences)

    def _private(self) -> Iterator[Refusal]:
        for source, named in self.private.items():
            agree = f"if all who wrote them agree, write `publish: {{consent: [{source}]}}`"
            yield Refusal(
                "private",
                f"{named} of {source} are private: from a messenger, a mailbox or a person's "
                "account",
                f"{agree}; else `{{private_rows: leave_out}}`",
            )


def _findings(table: pa.Table) -> Iterator[tuple[int, str, float]]:
    """(row, rule, value) of what `publish` has noted of rows."""
    lists = table["findings"].combine_chunks()
    found = lists.flatten()
    rules = pc.struct_field(found, "rule")
    wanted = pc.is_in(rules, value_set=pa.array([UNMASKED, RATED]))
    rows = pc.list_parent_indices(lists).filter(wanted)
    values = pc.struct_field(found, "value").filter(wanted)
    yield from zip(
        rows.to_pylist(), rules.filter(wanted).to_pylist(), values.to_pylist(), strict=True
    )
