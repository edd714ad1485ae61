"""How good the rules are: recall and false alarms on gold sets, what is dropped of human
conversations.

    .venv/bin/python -m benchmarks.filter_gold          (half a minute)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from statistics import mean
from typing import Any

from benchmarks import sets
from pipeline import filter as stage
from pipeline.conversation import Conversation, Drop
from pipeline.recipe.filter import FilterSettings
from pipeline.rules.reading.reading import read
from pipeline.rules.safety.minors import minors
from pipeline.rules.style.assistant import assistant
from pipeline.rules.style.refusals import refusals as refused

# What counts as having caught a kind of fault: a rule that fired, or a repair (a word of its edit).
CAUGHT = {
    "broken_alternation": {"edit:merged"},
    "empty_turn": {"edit:removed empty"},
    "gibberish": {"style.noise"},
    "html_leftover": {"edit:removed markup", "style.markup"},
    "looped_turns": {"style.loop", "style.repeated", "style.repetition"},
    "minor_age": {"safety.minor"},
    "mojibake": {"edit:repaired wrongly decoded", "style.damaged"},
    "pii_address": {"privacy.address"},
    "pii_card": {"privacy.card"},
    "pii_email": {"privacy.email"},
    "pii_phone": {"privacy.phone"},
    "refusal": {"style.refusal", "style.assistant"},
    "repeated_turn": {"style.repeated", "style.repetition"},
    "speaker_label": {"edit:removed speakers' labels", "style.label", "style.other_side"},
    "template_leak": {
        "style.template",
        "style.other_side",
        "style.placeholder",
        "style.label",
        "edit:removed template tokens",
        "edit:removed markup",
        "edit:removed speakers' labels",
        "edit:cut at the other side's label",
    },
    "truncated_end": {"structure.truncated", "edit:cut the tail"},
    "url_spam": {"style.spam"},
    "wrong_language_all": {"language.admitted"},
    "wrong_language_turn": {"language.foreign"},
}
EDITS = {kind for kinds in CAUGHT.values() for kind in kinds if kind.startswith("edit:")}


def row_of(result: Conversation | Drop) -> Conversation:
    return result.conversation if isinstance(result, Drop) else result


def signs(row: Conversation, claimed: str) -> set[str]:
    """Everything that `filter` reports of a row: rules that fired, kinds of edits, and whether its
    language is the claimed."""
    fired = {f.rule for f in row.findings}
    made = " ".join(row.edits)
    edits = {kind for kind in EDITS if kind.removeprefix("edit:") in made}
    other = {"language.admitted"} if row.language and row.language.code != claimed else set()
    return fired | edits | other


def gold_dirty() -> None:
    rows, truths, claimed = zip(*sets.gold_dirty(), strict=True)
    results = list(stage.work(rows, FilterSettings()))
    caught: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    dropped: Counter[str] = Counter()
    clean: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for before, result, truth, language in zip(rows, results, truths, claimed, strict=True):
        row = row_of(result)
        for fault in truth["faults"]:
            is_caught = bool(signs(row, language) & CAUGHT[fault["kind"]])
            caught[fault["kind"]][_wording(fault, before)].append(is_caught)
        if not truth["faults"]:
            group = "with decoys" if truth["decoys"] else "without decoys"
            clean[group] += 1
            dropped[group] += isinstance(result, Drop)
            causes.update({f.rule for f in row.findings if f.decision == "drop"})
    print("gold_dirty: recall of each kind of fault by its own rule, each wording counted once")
    for kind, wordings in sorted(caught.items()):
        share = mean(map(mean, wordings.values()))
        print(f"  {kind:22}{share:7.3f}  of {len(wordings)} wordings")
    for group in clean:
        share = f"{dropped[group] / clean[group]:.2%}"
        print(f"  clean rows {group}: {dropped[group]} of {clean[group]} dropped, {share}")
    print(f"  dropped clean rows by rule: {dict(causes)}")


def refusals() -> None:
    print("xstest: completions that people call a refusal, full or partial")
    total: Counter[tuple[bool, bool]] = Counter()
    models: dict[str, Counter[tuple[bool, bool]]] = {}
    for model, label, conversation in sets.xstest():
        reading = read(conversation.messages)
        found = any([*refused(reading), *assistant(reading)])
        pair = (found, label != "full_compliance")
        total[pair] += 1
        models.setdefault(model, Counter())[pair] += 1
    for model, counts in [*models.items(), ("both", total)]:
        print(f"  {model:16} {scores(counts)}")


def _wording(fault: dict[str, Any], row: Conversation) -> str:
    """What was planted; where the truth does not quote it, the message it stands in."""
    turn = fault.get("turn")
    in_message = row.messages[turn].content if turn is not None else row.id
    return str(fault.get("value") or in_message)


def ages() -> None:
    counts: Counter[tuple[bool, bool]] = Counter()
    for conversation, turn, stated in sets.gold_minors():
        findings = minors(read(conversation.messages))
        found = any(finding.message == turn for finding in findings)
        counts[found, stated] += 1
    print(f"gold_minor_natural\n  {scores(counts)}")


def scores(counts: Counter[tuple[bool, bool]]) -> str:
    """Precision and recall of (found, true) pairs."""
    hits, alarms, misses = counts[True, True], counts[True, False], counts[False, True]
    precision, recall = hits / (hits + alarms), hits / (hits + misses)
    numbers = f"({hits} found, {alarms} wrong, {misses} missed)"
    return f"precision {precision:.3f}  recall {recall:.3f}  {numbers}"


def human(name: str, rows: Iterable[Conversation]) -> None:
    """What `filter` drops of human conversations, by rule; refusals must be under 1 in 1,000."""
    results = list(stage.work(rows, FilterSettings(languages=["en"])))
    causes = Counter(rule for r in results for rule in rules(r, "drop"))
    dropped = sum(isinstance(r, Drop) for r in results)
    share = f"{dropped / len(results):.2%}"
    print(f"{name}: {dropped} of {len(results)} dropped, {share}  {dict(causes)}")


def rules(result: Conversation | Drop, decision: str) -> Iterator[str]:
    yield from {f.rule for f in row_of(result).findings if f.decision == decision}


def synthetic() -> None:
    """The published set of FIELD.md §1.11: rows with blanks, labels, repeated turns."""
    settings = FilterSettings(languages=["en"])
    results = list(map(row_of, stage.work(sets.synthetic_persona_chat(), settings)))
    kinds = {
        "unfilled placeholders in square, angle or curly brackets": {"style.placeholder"},
        "with those in round brackets, or 'User 1' as a name": {
            "style.placeholder",
            "style.mention",
        },
        "'User 1' or '(user 1's name)' in a message": {"style.mention"},
        "repeated turns": {"style.repeated"},
        "facts voiced by the wrong side only": {"style.swapped"},
        "speakers under 18": {"safety.minor"},
    }
    print(f"synthetic_persona_chat, valid: {len(results)} conversations")
    for name, wanted in kinds.items():
        n = sum(bool({f.rule for f in row.findings} & wanted) for row in results)
        print(f"  {name}: {n}, {n / len(results):.1%}")


if __name__ == "__main__":
    gold_dirty()
    refusals()
    ages()
    synthetic()
    human("casino", sets.casino())
    human("sgd", sets.sgd())
    human("self_dialogue, 6 turns and more", sets.self_dialogue())
