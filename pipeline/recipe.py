"""A recipe: one settings section per room. `load` reports every mistake at once, each with its line and key."""

from __future__ import annotations

import difflib
import glob
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from pipeline import UserError as UserError


class Settings(BaseModel):
    """A section of a recipe: immutable, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(Settings):
    """US dollars a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class ModelSettings(Settings):
    """A model that can be asked. `key` is the name of the environment variable that holds the key, never the key."""

    base_url: str | None = Field(None, description="none: OpenAI; `rehearsal`: the offline stand-in")
    model: str
    key: str = "OPENAI_API_KEY"
    in_flight: int = Field(64, ge=1, description="requests under way at once, at most; fewer when the server is slow")
    requests_per_minute: int | None = Field(None, ge=1, description="the account's limit, where known")
    tokens_per_minute: int | None = Field(None, ge=1, description="the account's limit, where known")
    timeout: float = Field(120.0, gt=0, description="seconds until an unanswered request is given up")
    attempts: int = Field(5, ge=1, description="failed requests (500, cut, time-out) of one call; 429 is none")
    reasks: int = Field(2, ge=0, description="times a useless answer (empty, cut by length, no JSON) is asked again")
    batch: bool = Field(False, description="use the Batch API: half the price, answers within a day, no turn-taking")
    price: Price | None = Field(None, description="where configs/prices.yaml does not know the model")
    extra: dict[str, Any] = Field({}, description="further fields of the request, as the server wants them")

    @property
    def is_rehearsal(self) -> bool:
        return self.base_url == "rehearsal"


class BudgetSettings(Settings):
    """What all runs into one output folder may spend together. A run stops before the call that could exceed it."""

    max_cost: float | None = Field(None, gt=0, description="US dollars")
    max_tokens: int | None = Field(None, gt=0, description="prompt and completion tokens")


class CrawlSettings(Settings):
    """How far and how fast a spider goes, for one source."""

    delay: float = Field(1.0, ge=0, description="seconds between two requests; a longer Crawl-delay of the site wins")
    max_pages: int = Field(10_000, gt=0, description="pages of the whole crawl, restarts included")
    max_bytes: int = Field(1_000_000_000, gt=0, description="bytes of all pages, as sent")
    page_bytes: int = Field(20_000_000, gt=0, description="bytes of one page, unpacked")
    depth: int = Field(50, gt=0, description="links from the start page to the farthest page")
    seconds: float = Field(86_400, gt=0, description="seconds of one crawl; the same command goes on where it ended")
    timeout: float = Field(60, gt=0, description="seconds for one answer")
    patience: float = Field(600, ge=0, description="longest wait in seconds that a site may ask for")
    hosts: list[str] = Field([], description="other hosts of the same site, as host or host:port")
    private: bool = Field(False, description="allow names that lead into a private network")


class SourceSettings(Settings):
    """One door: files, a Hub dataset or a spider."""

    name: str
    files: list[str] = []
    hub: str | None = None
    spider: str | None = None
    start: list[str] = []
    crawl: CrawlSettings = CrawlSettings()
    options: dict[str, Any] = {}
    shape: str | None = None
    assistant: str = "second"
    license: str | None = None
    attribution: str | None = None


class CollectSettings(Settings):
    sources: list[SourceSettings] = []
    contact: str | None = Field(None, description="who crawls: an e-mail or web address, sent to every public site")
    reparse: bool = Field(False, description="read stored pages again and touch no network")
    max_bytes: int = Field(1_000_000, gt=0, description="bytes of one conversation; longer ones are quarantined")


class GenerateSettings(Settings):
    """Conversations to add: (seeds + cards + characters) × talks. Without talks nothing is generated."""

    language: Literal["en", "ru"] = "en"
    seeds: int = Field(0, ge=0, description="bundled characters that talk themselves")
    cards: list[str] = Field([], description="character cards (.json, .png) or folders of them; their characters talk")
    characters: int = Field(0, ge=0, description="characters to invent")
    users: int = Field(0, ge=0, description="user personas to invent beside the bundled ones")
    situations: int = Field(0, ge=0, description="situations to invent beside the bundled ones")
    talks: int = Field(0, ge=0, description="conversations of each character")
    mode: Literal["talk", "script"] = Field("talk", description="two models in turn, or a whole dialogue in one call")
    inventor: str = Field("writer", description="which of the recipe's models invents and writes scripts")
    character: str = Field("writer", description="which of the recipe's models speaks for the character")
    user: str = Field("writer", description="which of the recipe's models speaks for the user")
    turns: tuple[int, int] = Field((6, 30), description="fewest and most messages of a talk")
    character_words: int = Field(24, gt=0, description="median words of a character's message; our choice")
    user_words: int = Field(9, gt=0, description="median words of a user's message; our choice")
    length_variation: float = Field(0.9, ge=0, le=2, description="deviation / mean of lengths; people: .8 to 1.0")
    novelty: float | None = Field(None, ge=0, le=1, description="fixed ROUGE-L F cut-off; none: calibrated")
    unrelated_accepted: float = Field(0.95, gt=0, lt=1, description="share of unrelated texts that are new enough")
    asks: int = Field(3, ge=1, description="calls for one message: the first, then with the reason of the failure")
    attempts: int = Field(3, ge=1, description="talks begun for one slot before it is given up")
    temperature: float = Field(1.0, ge=0, le=2, description="sampling temperature (gpt_roleplay_realm: 1.0)")
    top_p: float = Field(0.95, gt=0, le=1, description="nucleus sampling (gpt_roleplay_realm: .95)")
    license: str | None = Field(None, description="SPDX name under which the generated rows go out")


class FilterSettings(Settings):
    languages: list[str] = []


class DedupSettings(Settings):
    """Who counts as heard before. Measured in pipeline/dedup/README.md."""

    threshold: float = Field(0.7, ge=0.3, le=1, description="Jaccard similarity of 5-word shingles")
    view: Literal["dialogue", "assistant", "opening"] = "dialogue"
    contained: float | None = Field(0.9, ge=0.5, le=1, description="share of a row's shingles found in one longer row")
    contained_words: int = Field(20, ge=5, description="words; a shorter row is never sent away as a part of another")
    shared_by: int = Field(100, ge=2, description="rows (and 1 in 10,000) that share a passage before it is boilerplate")
    bucket: int = Field(50, ge=1, description="rows of one LSH bucket that each of its rows is compared with")
    sources: list[str] = Field([], description="names of sources, the preferred first; the others after them, all equal")
    against: list[str] = Field([], description="files or Hub datasets whose conversations must not be in the result")


class ScoreSettings(Settings):
    pass


class Cut(Settings):
    """What a measure or criterion must reach to be published; an unmeasured row is not cut."""

    min: float | None = None
    max: float | None = None


class PublishSettings(Settings):
    cut: dict[str, Cut] = {}
    test: float = Field(0.05, ge=0, lt=1, description="share of groups held out for testing")


def configs() -> Path:
    """The folder of bundled recipes, prompts, personas and word lists: in a checkout or inside the wheel."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "configs"


class Recipe(Settings):
    """A whole recipe. `name` is also the name of its output folder."""

    name: str = Field(pattern=r"^[\w][\w.-]*$")
    seed: int = 0
    models: dict[str, ModelSettings] = {}
    budget: BudgetSettings = BudgetSettings()
    collect: CollectSettings = CollectSettings()
    generate: GenerateSettings = GenerateSettings()
    filter: FilterSettings = FilterSettings()
    dedup: DedupSettings = DedupSettings()
    score: ScoreSettings = ScoreSettings()
    publish: PublishSettings = PublishSettings()

    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """Where the recipe's relative paths start."""
        return self._folder


class Mistake(NamedTuple):
    line: int
    key: str
    problem: str


def find(name: str) -> Path:
    """The recipe file that is meant: a path, or the name of a bundled recipe. Raises UserError with what there is."""
    path = Path(name)
    if path.is_file():
        return path
    bundled = configs() / f"{path.name.removesuffix('.yaml')}.yaml"
    if path.parent == Path() and bundled.is_file():
        return bundled
    names = sorted(p.stem for p in configs().glob("*.yaml"))
    near = difflib.get_close_matches(path.stem, names, 1)
    raise UserError(
        f"There is no recipe {name}. " + (f"Did you mean {near[0]}? " if near else "") + f"Bundled: {', '.join(names)}."
    )


def load(path: Path) -> Recipe:
    """Read a recipe. Raises UserError that lists every mistake with file, line, key and the nearest right spelling."""
    try:
        text = path.read_text("utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8; save the recipe as UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UserError(f"{path}:{mark.line + 1 if mark else 1}: not YAML: {error.problem or error.context}.") from None
    if not isinstance(values, dict):
        raise UserError(
            f"{path}:1: a recipe is a list of sections (name, collect, filter …); see configs/quickstart.yaml."
        )
    assert tree is not None
    folder = path.resolve().parent
    mistakes = [Mistake(_line(tree, where), key, "stands here twice") for where, key in _repeated(tree, ())]
    mistakes += [Mistake(_line(tree, where), _dotted(where), what) for where, what in _missing_inputs(values, folder)]
    recipe = None
    try:
        recipe = Recipe.model_validate(values)
        recipe._folder = folder
    except ValidationError as error:
        mistakes += [_mistake(tree, detail) for detail in error.errors()]
    if recipe is None or mistakes:
        lines = [f"{path}:{m.line}: {m.key}: {m.problem}" for m in sorted(mistakes)]
        head = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
        raise UserError("\n".join([f"{path} has {head}:", *lines]))
    return recipe


def _missing_inputs(values: dict[str, Any], folder: Path) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Local inputs that a recipe names and that are not there, looked for even where the recipe has other mistakes."""
    section = values.get("collect")
    sources = section.get("sources") if isinstance(section, dict) else None
    for number, source in enumerate(sources if isinstance(sources, list) else []):
        for door in ("files", "start"):
            paths = source.get(door) if isinstance(source, dict) else None
            for index, pattern in enumerate(paths if isinstance(paths, list) else []):
                path = folder / str(pattern)
                if "://" not in str(pattern) and not glob.has_magic(str(path)) and not path.exists():
                    near = difflib.get_close_matches(path.name, _neighbours(path), 1)
                    hint = f"; did you mean {near[0]}?" if near else ""
                    yield ("collect", "sources", number, door, index), f"there is no {path}{hint}"


def _neighbours(path: Path) -> list[str]:
    return [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []


def _mistake(tree: yaml.Node, detail: Any) -> Mistake:
    where = tuple(detail["loc"])
    key, line = _dotted(where), _line(tree, where)
    if detail["type"] == "extra_forbidden":
        known = _known_keys(where[:-1])
        near = difflib.get_close_matches(str(where[-1]), known, 1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
        return Mistake(line, key, f"unknown key; {hint}")
    if detail["type"] == "missing":
        return Mistake(line, key, "is missing")
    found = f" (found {detail['input']!r})" if not isinstance(detail["input"], dict | list) else ""
    return Mistake(line, key, detail["msg"].removeprefix("Value error, ") + found)


def _dotted(where: tuple[str | int, ...]) -> str:
    return ".".join(f"[{part + 1}]" if isinstance(part, int) else part for part in where).replace(".[", "[")


def _line(node: yaml.Node, where: tuple[str | int, ...]) -> int:
    """The line, from 1, of the deepest part of a place that the file has."""
    line = node.start_mark.line
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return line + 1


def _repeated(node: yaml.Node, where: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Keys that stand twice in one section: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*where, key.value), _dotted((*where, key.value))
            seen.add(key.value)
            yield from _repeated(value, (*where, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _repeated(value, (*where, number))


def _known_keys(where: tuple[str | int, ...]) -> list[str]:
    """The keys that the section at a place may have."""
    kind: Any = Recipe
    for part in where:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(part)].annotation if str(part) in kind.model_fields else None
        else:  # list[X], dict[str, X], X | None
            kind = next((a for a in reversed(get_args(kind)) if a is not type(None)), None)
        while get_args(kind) and not isinstance(kind, type) and type(None) in get_args(kind):
            kind = next(a for a in get_args(kind) if a is not type(None))
    return sorted(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []
