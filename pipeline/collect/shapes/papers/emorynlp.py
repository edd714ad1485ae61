"""EmoryNLP's Friends: a season of episodes, with scenes of utterances.

{"season_id": "s01", "episodes": [{"episode_id": "s01_e01", "scenes": [{"scene_id": "s01_e01_c01",
  "utterances": [{"speakers": [], "transcript": "", "transcript_with_note": "[A kitchen.]"},
                 {"speakers": ["Ada Berg"], "transcript": "Tea?", "tokens": [["Tea", "?"]]},
                 {"speakers": ["Ben Falk"], "transcript": "Please."}]}]}]}

A scene is a conversation, an episode one group. A stage direction by itself is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Fields,
    Transcript,
    Turn,
    Unread,
    dict_of,
    dicts_of,
    list_of,
    record_id,
    rest,
    text_of,
    unreadable,
)
from pipeline.conversation import Annotation

ABOUT = About("EmoryNLP's Friends", ("names", "groups", "annotations"))

UTTERANCES = "utterances"


def recognise(record: object) -> bool:
    return isinstance(record, dict) and any(map(_has_transcripts, _scenes(record, None)))


def read(record: object) -> Iterator[Transcript | Unread]:
    for scene in _scenes(dict_of(record, "the record"), None):
        try:
            yield _transcript(scene)
        except ValueError as error:
            yield unreadable(error, scene)


def _scenes(record: Fields, episode: str | None) -> Iterator[Fields]:
    """The scenes in a season, in an episode, or the scene itself; each with its episode."""
    episode = record_id(record, "episode_id") or episode
    if isinstance(record.get(UTTERANCES), list):
        yield record | {"episode_id": episode}
    for place in ("episodes", "scenes"):
        inner = record.get(place)
        for item in inner if isinstance(inner, list) else ():
            if isinstance(item, dict):
                yield from _scenes(item, episode)


def _has_transcripts(scene: Fields) -> bool:
    items = list_of(scene.get(UTTERANCES), UTTERANCES)
    needed = {"speakers", "transcript"}
    return bool(items) and all(isinstance(one, dict) and needed <= one.keys() for one in items)


def _transcript(scene: Fields) -> Transcript:
    items = dicts_of(scene.get(UTTERANCES), UTTERANCES, "utterance")
    spoken = [item for item in items if item.get("speakers") or item.get("transcript")]
    turns = [_turn(item, f"utterance {number}") for number, item in enumerate(spoken, 1)]
    emotions = [item.get("emotion") for item in spoken]
    annotations = tuple(Annotation(emotion=str(one or "").lower() or None) for one in emotions)
    notes = len(items) - len(spoken)
    return Transcript(
        turns,
        record=record_id(scene, "scene_id"),
        group=record_id(scene, "episode_id"),
        annotations=annotations if any(emotions) else (),
        extra=rest(scene, "scene_id", UTTERANCES),
        left_out={"stage direction": notes} if notes else {},
    )


def _turn(item: Fields, where: str) -> Turn:
    names = list_of(item.get("speakers"), f"the speakers of {where}")
    name = " and ".join(map(str, names)) or None
    return name, text_of(item.get("transcript"), where), None
