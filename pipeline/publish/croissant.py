"""croissant.json: files with checksums, columns, splits and responsible use, as catalogues read
them: MLCommons Croissant 1.0.

    distribution   a FileObject for each Parquet file, a FileSet for each config
    recordSet      the splits of each config; its columns, with the split that the file's name has

Configs of the rehearsal model are not in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipeline import texts
from pipeline.publish import infos
from pipeline.publish.configs import CONFIGS
from pipeline.publish.gates import licences
from pipeline.publish.infos import ConfigInfo
from pipeline.publish.summary import Summary
from pipeline.store.files import FileMark

FILE = "croissant.json"
VERSIONS = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
LICENCE = "https://spdx.org/licenses/{}"
SPLIT_KINDS = {
    "train": "cr:TrainingSplit",
    "validation": "cr:ValidationSplit",
    "test": "cr:TestSplit",
}
TYPES = {"string": "sc:Text", "bool": "sc:Boolean", "double": "sc:Float", "date32[day]": "sc:Date"}
# the words of Croissant, of schema.org and of the vocabulary on responsible use
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}
OF_CROISSANT = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject"),
    *("fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField"),
    *("path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
    *("separator", "source", "subField", "transform"),
)

JsonNode = dict[str, Any]  # of the JSON


def croissant(
    name: str,
    summary: Summary,
    files: Mapping[str, FileMark],
) -> str | None:
    """The text of the file; None where there is nothing to describe. files: of the dataset, by
    their path in it."""
    configs = [one for one in summary.configs if one.rows and not infos.is_rehearsal(one)]
    if not configs:
        return None
    words = texts.values("publish", "card.yaml")
    nodes: JsonNode = {
        "@context": CONTEXT | {word: f"cr:{word}" for word in OF_CROISSANT},
        "@type": "sc:Dataset",
        "conformsTo": VERSIONS,
        "name": name,
        "description": words["intro"],
        "license": _licences(summary),
        "inLanguage": [code for code in summary.languages if code != "unknown"],
        "keywords": ["dialogue", "conversational", "rapport"],
        **_responsible(words, summary),
        "distribution": list(_distribution(configs, files)),
        "recordSet": [node for config in configs for node in _record_sets(config)],
    }
    return json.dumps(nodes, ensure_ascii=False, indent=1) + "\n"


def _licences(summary: Summary) -> list[str]:
    """That of the whole, or else all of them: by their addresses, where they are SPDX names; others
    as they are called."""
    names = {source.license for source in summary.sources}
    whole = licences.whole_of(names)
    return list(map(_address, [whole] if whole else sorted(filter(None, names))))


def _address(licence: str) -> str:
    return licence if licence.startswith("LicenseRef-") else LICENCE.format(licence)


def _responsible(words: Mapping[str, Any], summary: Summary) -> JsonNode:
    """What is to be known before the data is used."""
    found = {
        "rai:dataCollection": words["collection"],
        "rai:dataPreprocessingProtocol": words["processing"],
        "rai:personalSensitiveInformation": words["personal"],
        "rai:dataLimitations": words["limits"],
        "rai:dataUseCases": words["uses"],
        "rai:dataReleaseMaintenancePlan": words["maintenance"],
    }
    scorers = sorted({f"{rating.criterion}: {rating.by}" for rating in summary.ratings})
    if scorers:
        found["rai:dataAnnotationProtocol"] = f"Scores from 1 to 5 by {', '.join(scorers)}."
    return found


def _distribution(
    configs: Sequence[ConfigInfo], files: Mapping[str, FileMark]
) -> Iterator[JsonNode]:
    for config in configs:
        own = {path: mark for path, mark in files.items() if path.startswith(f"{config.name}/")}
        for path, mark in own.items():
            yield {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path,
                "contentUrl": path,
                "contentSize": f"{mark.size} B",
                "encodingFormat": "application/x-parquet",
                "sha256": mark.digest,
            }
        yield {
            "@type": "cr:FileSet",
            "@id": f"{config.name}-files",
            "name": f"{config.name}-files",
            "encodingFormat": "application/x-parquet",
            "includes": f"{config.name}/*.parquet",
        }


def _record_sets(config: ConfigInfo) -> Iterator[JsonNode]:
    name, splits = config.name, f"{config.name}_splits"
    yield {
        "@type": "cr:RecordSet",
        "@id": splits,
        "name": splits,
        "dataType": "cr:Split",
        "key": {"@id": f"{splits}/name"},
        "field": [_plain(f"{splits}/name", "sc:Text"), _plain(f"{splits}/url", "sc:URL")],
        "data": [_split(splits, split) for split in config.splits],
    }
    columns = [
        _column(
            f"{name}/{field.name}",
            field,
            name,
        )
        for field in CONFIGS[name].schema
    ]
    yield {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{CONFIGS[name].about} {config.rows} rows.",
        "field": [_split_column(config), *columns],
    }


def _split(splits: str, name: str) -> JsonNode:
    return {f"{splits}/name": name, f"{splits}/url": SPLIT_KINDS[name]}


def _plain(place: str, kind: str) -> JsonNode:
    return {"@type": "cr:Field", "@id": place, "name": place, "dataType": kind}


def _split_column(config: ConfigInfo) -> JsonNode:
    """The split of a row, by the name of its file."""
    named = "|".join(config.splits)
    return _plain(f"{config.name}/split", "sc:Text") | {
        "references": {"field": {"@id": f"{config.name}_splits/name"}},
        "source": {
            "fileSet": {"@id": f"{config.name}-files"},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": f"(?:.*/)?({named})(?:-.*)?$"},
        },
    }


def _column(place: str, field: pa.Field, config: str) -> JsonNode:
    """A column of the files. Of one that holds structs, each field is a column of its own; lists
    inside them that hold structs again are not described."""
    kind, repeated = _item(field.type)
    source = _source(config, field.name)
    if not pa.types.is_struct(kind):
        return _plain(place, _type(kind)) | {"source": source, "repeated": repeated}
    whole = {"@type": "cr:Field", "@id": place, "name": place, "repeated": repeated}
    return whole | {
        "subField": list(
            _inner(
                place,
                kind,
                source,
                repeated,
            )
        )
    }


def _inner(
    place: str,
    kind: pa.StructType,
    source: JsonNode,
    repeated: bool,
) -> Iterator[JsonNode]:
    for child in kind:
        of, several = _item(child.type)
        if not pa.types.is_struct(of):
            node = _plain(f"{place}/{child.name}", _type(of))
            taken = source | {"transform": {"jsonPath": child.name}}
            yield node | {"source": taken, "repeated": repeated or several}


def _item(kind: pa.DataType) -> tuple[pa.DataType, bool]:
    """The type of an item, and whether there may be several."""
    if pa.types.is_list(kind):
        return kind.value_type, True
    return kind, False


def _source(config: str, column: str) -> JsonNode:
    return {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": column}}


def _type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return TYPES.get(str(kind), "sc:Text")
