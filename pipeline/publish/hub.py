"""Pushes a release to the Hub: one commit, or none.

    what is there → what differs → upload → one commit → loaded back and compared → a tag

Uploaded content shows nowhere until the commit names it, and the commit stands or not. A tag means
that the release was loaded back. So the same command goes on after a kill at any instant: content
that is there is not sent again, no second commit is made, and a missing tag is set.

The Hub's own library reads the environment (HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HOME) and its
login store; no token passes through here.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from pipeline import UserError
from pipeline.publish.changelog import LastRelease, number_of_newest
from pipeline.publish.gates import loads
from pipeline.publish.hub_errors import WAITS, explained, is_refused, may_pass, pause, retried
from pipeline.publish.loaded_back import load_back
from pipeline.publish.outgoing import LISTING, Outgoing, Release, dated, last_release

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, CommitOperationAdd, HfApi, RepoFile

TITLE = "Release by Rapport"
TAG = re.compile(r"v(\d+)")
NOTHING = "Nothing was published: the repository is as it was. The same command goes on."
UNSURE = "Whether the commit was taken is not known: the same command finds out and goes on."
UNCHECKED = "It is there, but not loaded back and compared. The same command goes on."


@dataclass(frozen=True)
class Wanted:
    """How to push. private: a new repository is seen by its owner only. pull_request: propose it
    instead of changing `main`. overwrite: also what others have changed."""

    private: bool = False
    pull_request: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class There:
    """A state of the repository. commit: empty where there is no repository."""

    commit: str = ""
    files: dict[str, RepoFile] = field(default_factory=dict)
    private: bool = False


@dataclass(frozen=True)
class Changes:
    """What a push changes: paths, and the bytes of each kind of file."""

    added: dict[str, int]
    changed: dict[str, int]
    removed: dict[str, int]
    same: dict[str, int]

    @property
    def sent(self) -> dict[str, int]:
        return self.added | self.changed

    def __bool__(self) -> bool:
        return bool(self.sent or self.removed)


class ReleaseChanges(NamedTuple):
    """What is there, the release with its entry in the changelog, and what would change."""

    there: There
    release: Release
    changes: Changes


class Proposal(NamedTuple):
    """An open pull request: the release that it has, and its number."""

    release: Release
    number: int


@dataclass(frozen=True)
class Pushed:
    """committed: was there anything to change? tag: of the release; None for a pull request. where:
    its commit or pull request."""

    committed: bool
    where: str
    tag: str | None


def planned(name: str, release: Release, wanted: Wanted) -> Changes:
    """What a push would change; nothing is written. Raises UserError as `push` does."""
    with explained(name, lambda: NOTHING):
        return _Repository(name).difference(release, wanted).changes


def push(name: str, release: Release, wanted: Wanted) -> Pushed:
    """Push a release to the dataset owner/name, check it there, and tag it.

    Raises UserError: no such owner, a token that may not write, changes of others, a Hub that stays
    in trouble, something else there than what was sent. Each says what is published now.
    """
    repository = _Repository(name)
    with explained(name, lambda: repository.state):
        if wanted.pull_request:
            return repository.propose(release, wanted)
        return repository.publish(release, wanted)


class _Repository:
    """A dataset on the Hub."""

    def __init__(self, name: str) -> None:
        import huggingface_hub as hub
        from huggingface_hub.utils.tqdm import disable_progress_bars

        if not re.fullmatch(r"[^/\s]+/[^/\s]+", name):
            raise UserError(f"{name!r} is not a dataset's name: write owner/name.")
        disable_progress_bars()
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        waiting = logging.getLogger("huggingface_hub.utils._http")
        waiting.setLevel(logging.WARNING)
        waiting.addFilter(_names_no_address)
        self.name = name
        self._api: HfApi = hub.HfApi(library_name="rapport")
        self.state = NOTHING  # what is published now

    def publish(self, release: Release, wanted: Wanted) -> Pushed:
        release, sent, commit = self._committed(release, wanted)
        self.state = UNCHECKED
        tag = self._tag_of(release)
        if tag is None:
            # what was there before is compared by what the Hub says of it, what is new by its bytes
            load_back(self.name, commit, release, sent or release.files)
            self._check(release, commit)
            tag = retried(lambda: self._tagged(release, commit))
        return Pushed(bool(sent), self._address(f"commit/{commit}"), tag)

    def propose(self, release: Release, wanted: Wanted) -> Pushed:
        """A pull request, unless an open one has the same or `main` has it already."""
        release, changes, number, is_new = self._proposed(release, wanted)
        if number is None:
            return Pushed(False, self._address(""), None)
        self.state, revision = UNCHECKED, f"refs/pr/{number}"
        load_back(self.name, revision, release, changes.sent)
        self._check(release, revision)
        return Pushed(is_new, self._address(f"discussions/{number}"), None)

    def _proposed(
        self, release: Release, wanted: Wanted
    ) -> tuple[Release, Changes, int | None, bool]:
        """The release, what changes, the number of the pull request, and whether it was made now;
        None where `main` has the release. After a failure all is read again."""
        for wait in (*WAITS, None):
            there, new, changes = self.difference(release, wanted)
            if not there.commit:
                raise UserError(f"There is no dataset {self.name}: push it once without a request.")
            known = retried(lambda: self._proposal(release)) if changes else None
            if known:
                return known.release, changes, known.number, False
            if not changes:
                return new, changes, None, False
            try:
                made = self._commit(new, changes, there.commit, True)
                return new, changes, made.pr_num, True
            except Exception as error:
                if wait is None or not may_pass(error):
                    raise
                pause(error, wait)
        raise AssertionError("the last attempt returns or raises")

    def difference(self, release: Release, wanted: Wanted) -> ReleaseChanges:
        """What is there, and what would change."""
        there = retried(self._read)
        if wanted.private and there.commit and not there.private:
            problem = f"{self.name} is there and public: make it private in its settings"
            raise UserError(f"{problem}, or push without --private.")
        last = self._last(there)
        new = dated(release, last, today())
        changes = compared(new, there, last.files)
        if not wanted.overwrite:
            self._check_others(there, changes, last.files)
        return ReleaseChanges(there, new, changes)

    def _committed(self, release: Release, wanted: Wanted) -> tuple[Release, Sequence[str], str]:
        """The release, the paths that were sent, and the commit that holds it.

        After a failure all is read again: the commit may stand although its answer was lost.
        """
        sent: list[str] = []
        for wait in (*WAITS, None):
            there, new, changes = self.difference(release, wanted)
            if not changes:
                return new, sent, there.commit
            self.state = NOTHING
            if not there.commit:
                retried(lambda: self._create(wanted))
                continue
            sent = [*changes.sent, *changes.removed]
            try:
                return new, sent, self._commit(new, changes, there.commit, False).oid
            except Exception as error:
                if wait is None or not may_pass(error):
                    raise
                pause(error, wait)
        raise UserError(f"{self.name} was made, but cannot be seen yet: run the same command.")

    def _commit(
        self, release: Release, changes: Changes, parent: str, create_pr: bool
    ) -> CommitInfo:
        import huggingface_hub as hub

        loads.check(release.folder, release.rows)
        additions = [_operation(path, release.files[path]) for path in changes.sent]
        # this much the library asks again by itself
        self._api.preupload_lfs_files(
            self.name, additions, repo_type="dataset", create_pr=create_pr, free_memory=False
        )
        removals = [hub.CommitOperationDelete(path) for path in changes.removed]
        self.state = UNSURE
        try:
            return self._api.create_commit(
                self.name,
                [*additions, *removals],
                commit_message=TITLE,
                repo_type="dataset",
                parent_commit=parent,
                create_pr=create_pr,
            )
        except Exception as error:
            if is_refused(error):
                self.state = NOTHING
            raise

    def _create(self, wanted: Wanted) -> None:
        self._api.create_repo(
            self.name, repo_type="dataset", private=wanted.private or None, exist_ok=True
        )

    def _read(self, revision: str = "main") -> There:
        import huggingface_hub as hub

        with suppress(hub.errors.RepositoryNotFoundError):
            info = self._api.dataset_info(self.name, revision=revision)
            commit = str(info.sha)
            entries = self._api.list_repo_tree(
                self.name, recursive=True, revision=commit, repo_type="dataset"
            )
            files = {one.path: one for one in entries if isinstance(one, hub.RepoFile)}
            return There(commit, files, bool(info.private))
        return There()

    def _last(self, there: There) -> LastRelease:
        """The last release."""
        if LISTING not in there.files:
            return LastRelease()
        return last_release(self._content(there, LISTING))

    def _content(self, there: There, path: str) -> bytes:
        with TemporaryDirectory() as folder:
            found = retried(
                lambda: self._api.hf_hub_download(
                    self.name, path, repo_type="dataset", revision=there.commit, local_dir=folder
                )
            )
            return Path(found).read_bytes()

    def _check_others(self, there: There, changes: Changes, last: Mapping[str, str]) -> None:
        """Raises UserError where a file would go that is not as the last release had it."""
        for path in [*changes.changed, *changes.removed]:
            entry = there.files[path]
            if entry.lfs:
                digest = entry.lfs.sha256
            else:
                digest = hashlib.sha256(self._content(there, path)).hexdigest()
            if digest != last.get(path):
                raise UserError(
                    f"{path} in {self.name} was not written by the last push: others have changed "
                    f"it. Take over what they wrote, then push with --overwrite. {NOTHING}"
                )

    def _check(self, release: Release, revision: str) -> None:
        different = compared(release, retried(lambda: self._read(revision)), {}).sent
        if different:
            raise UserError(f"{self.name} does not hold what was sent: {', '.join(different)}.")

    def _tags(self) -> dict[int, str]:
        """The commits of releases, by number."""
        refs = self._api.list_repo_refs(self.name, repo_type="dataset")
        numbers = {TAG.fullmatch(tag.name): tag.target_commit for tag in refs.tags}
        return {int(match[1]): commit for match, commit in numbers.items() if match}

    def _tag_of(self, release: Release) -> str | None:
        """The newest tag, where it has this release."""
        tags = retried(self._tags)
        if not tags:
            return None
        newest = max(tags)
        there = retried(lambda: self._read(f"v{newest}"))
        return None if compared(release, there, {}) else f"v{newest}"

    def _tagged(self, release: Release, commit: str) -> str:
        """Set the next tag, unless an attempt has whose answer was lost."""
        known = self._tag_of(release)
        if known:
            return known
        record = last_release(release.files[LISTING].source)  # type: ignore[arg-type]
        number = max(max(self._tags(), default=0) + 1, number_of_newest(record.changelog))
        tag = f"v{number}"
        self._api.create_tag(self.name, tag=tag, revision=commit, repo_type="dataset")
        return tag

    def _proposal(self, release: Release) -> Proposal | None:
        """An open pull request with this release."""
        found = self._api.get_repo_discussions(
            self.name,
            repo_type="dataset",
            discussion_type="pull_request",
            discussion_status="open",
        )
        for one in found:
            there = self._read(f"refs/pr/{one.num}") if one.title == TITLE else There()
            if not there.commit:
                continue
            same = dated(release, self._last(there), today())
            if not compared(same, there, {}):
                return Proposal(same, one.num)
        return None

    def _address(self, rest: str) -> str:
        return f"{self._api.endpoint}/datasets/{self.name}/{rest}".rstrip("/")


def _names_no_address(record: logging.LogRecord) -> bool:
    """Of what the library says while it asks again, only how long it waits: addresses may be
    signed."""
    return record.getMessage().startswith(("Rate limited", "Retrying in"))


def today() -> str:
    """The date of a release, UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def compared(release: Release, there: There, last: Mapping[str, str]) -> Changes:
    """What differs. last: files of the last release; those that are in this one no more are
    removed, and whatever else is there stays."""
    changes = Changes({}, {}, {}, {})
    for path, file in release.files.items():
        entry = there.files.get(path)
        if entry is None:
            changes.added[path] = file.size
        elif _is_same(file, entry):
            changes.same[path] = file.size
        else:
            changes.changed[path] = file.size
    for path in sorted(last.keys() & there.files.keys() - release.files.keys()):
        changes.removed[path] = there.files[path].size
    return changes


def _is_same(file: Outgoing, entry: RepoFile) -> bool:
    if entry.lfs:
        return bool(entry.lfs.sha256 == file.sha256)
    return bool(entry.size == file.size and entry.blob_id == file.git_name())


def _operation(path: str, file: Outgoing) -> CommitOperationAdd:
    import huggingface_hub as hub

    return hub.CommitOperationAdd(path, file.source)
