"""A small Hub on a free port of 127.0.0.1: datasets to read and to publish to.

It has the real Hub's addresses as far as `huggingface_hub` and `datasets` ask for them: whoami,
dataset info, tree, paths-info, resolve (with ranges), create, validate-yaml, preupload (with the
names of what is there), commit (refused where its parent is not the newest), LFS upload, refs, tags
and pull requests. Commits are kept, so older revisions stay readable. Repositories may be gated or
private; `hub.failing` answers the next requests that match with an error, or cuts them off.

    with serving({"anna/talks": {"README.md": b"...", "train.jsonl": b"..."}}) as hub:
        subprocess.run([...], env=os.environ | hub.environment(tmp_path))
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

Files = dict[str, bytes]
Answer = tuple[int, dict[str, str], bytes]
Entry = dict[str, Any]  # a file or folder, as the Hub lists it
TOKEN = "hf_example"
READ_TOKEN = "hf_example_that_only_reads"
LFS = (".parquet", ".png", ".zip")
CUT = 0  # instead of a status: the connection ends without an answer


@dataclass
class Repo:
    """One dataset: its commits, oldest first. head: of `main`. tags, pulls: commits by tag, and by
    number of an open pull request. titles: of commits."""

    commits: dict[str, Files] = field(default_factory=dict)
    head: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    private: bool = False

    def commit(self, files: Files) -> str:
        """Add to `main`."""
        self.head = self.kept(files)
        return self.head

    def kept(self, files: Files) -> str:
        """A commit of no branch."""
        data = b"".join(path.encode() + body for path, body in sorted(files.items()))
        name = hashlib.sha1(str(len(self.commits)).encode() + data).hexdigest()
        self.commits[name] = dict(files)
        return name

    def find(self, revision: str) -> str | None:
        if revision in ("main", "HEAD", ""):
            return self.head
        if revision in self.tags:
            return self.tags[revision]
        if revision.startswith("refs/pr/"):
            return self.pulls.get(int(revision.rsplit("/", 1)[1]))
        return next(
            (name for name in self.commits if len(revision) >= 7 and name.startswith(revision)),
            None,
        )

    @property
    def files(self) -> Files:
        return self.commits[self.head]


@dataclass
class Failure:
    """The next `times` requests whose method and path match are answered with `status`.

    lost: the request is done first.
    """

    pattern: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    lost: bool = False


class Asked(NamedTuple):
    """A request. path: the match of its route. token: of the user."""

    method: str
    path: re.Match[str]
    query: dict[str, list[str]]
    body: bytes
    token: str | None


class Hub:
    """The datasets and what is asked of them. uploads: LFS objects by sha256."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.uploads: dict[str, bytes] = {}
        self.failing: list[Failure] = []
        self.asked: list[str] = []  # "GET /api/..", in order
        self.address = ""
        self.writing = threading.Lock()
        self.meanwhile: dict[str, Callable[[], object]] = {}  # done once, before what matches

    def environment(self, home: Path) -> dict[str, str]:
        """For a child process: this server instead of the Hub, a cache of its own, no Xet."""
        return {
            "HF_ENDPOINT": self.address,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def answer(self, method: str, path: str, body: bytes, token: str | None) -> Answer:
        self.asked.append(f"{method} {path}")
        for pattern in [one for one in self.meanwhile if re.search(one, f"{method} {path}")]:
            self.meanwhile.pop(pattern)()
        for failure in self.failing:
            if failure.times and re.search(failure.pattern, f"{method} {path}"):
                failure.times -= 1
                if failure.lost:
                    self.done(method, path, body, token)
                return failure.status, failure.headers, b'{"error": "planned failure"}'
        return self.done(method, path, body, token)

    def done(self, method: str, path: str, body: bytes, token: str | None) -> Answer:
        parts = urlsplit(path)
        for pattern, handler in ROUTES:
            if match := re.fullmatch(pattern, unquote(parts.path)):
                return handler(self, Asked(method, match, parse_qs(parts.query), body, token))
        return _error(404, "EntryNotFound", "no such address")

    def open(self, name: str, token: str | None, content: bool = True) -> Repo | Answer:
        """The repository, or the refusal that the real Hub would give."""
        repo = self.repos.get(name)
        may_read = token in (TOKEN, READ_TOKEN)
        if repo is None or (repo.private and not may_read):
            return _error(404 if token else 401, "RepoNotFound", "Repository not found")
        if repo.gated and content and not may_read:
            return _error(401, "GatedRepo", "Access to this dataset is restricted")
        return repo

    def change(self, name: str, token: str | None) -> Repo | Answer:
        """The repository, for one who may write there."""
        if token == TOKEN:
            return self.open(name, token)
        return _unwelcome(token)


def _error(status: int, code: str, message: str = "", **headers: str) -> Answer:
    """A refusal. The client goes by the code in the header."""
    return status, {"X-Error-Code": code, **headers}, json.dumps({"error": message}).encode()


def _json(value: object, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _unwelcome(token: str | None) -> Answer:
    if token == READ_TOKEN:
        return _json({"error": "You need a token with the role write"}, 403)
    return _json({"error": "Invalid credentials in Authorization header"}, 401)


def _whoami(hub: Hub, asked: Asked) -> Answer:
    if asked.token != TOKEN:
        return _json({"error": "Invalid credentials"}, 401)
    auth = {"type": "access_token", "accessToken": {"role": "write"}}
    return _json({"type": "user", "name": "anna", "orgs": [], "auth": auth})


def _info(hub: Hub, asked: Asked) -> Answer:
    repo = hub.open(asked.path["repo"], asked.token, content=False)
    if isinstance(repo, tuple):
        return repo
    commit = repo.find(asked.path["revision"] or "main")
    if commit is None:
        return _error(404, "RevisionNotFound", "Invalid rev id")
    siblings = [{"rfilename": path} for path in sorted(repo.commits[commit])]
    return _json(
        {
            "id": asked.path["repo"],
            "sha": commit,
            "gated": repo.gated,
            "private": repo.private,
            "tags": [],
            "siblings": siblings,
            "lastModified": "2026-01-01T00:00:00.000Z",
            "disabled": False,
        }
    )


def _entries(files: Files) -> list[Entry]:
    """The files and folders of a commit."""
    folders = {
        "/".join(path.split("/")[:depth])
        for path in files
        for depth in range(1, path.count("/") + 1)
    }
    found = [_file(path, data) for path, data in files.items()]
    return found + [_entry("directory", path, 0, path.encode()) for path in folders]


def _file(path: str, data: bytes) -> Entry:
    if not path.endswith(LFS):
        return _entry("file", path, len(data), data)
    digest = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n"
    lfs = {"oid": digest, "size": len(data), "pointerSize": len(pointer)}
    return {**_entry("file", path, len(data), pointer.encode()), "lfs": lfs}


def _entry(kind: str, path: str, size: int, content: bytes) -> Entry:
    return {"type": kind, "path": path, "size": size, "oid": _git_name(content)}


def _git_name(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _tree(hub: Hub, asked: Asked) -> Answer:
    repo = hub.open(asked.path["repo"], asked.token, content=False)
    if isinstance(repo, tuple):
        return repo
    commit, folder = repo.find(asked.path["revision"]), (asked.path["path"] or "").strip("/")
    if commit is None:
        return _error(404, "RevisionNotFound")
    start = f"{folder}/" if folder else ""
    below = [entry for entry in _entries(repo.commits[commit]) if entry["path"].startswith(start)]
    if folder and not below:
        return _error(404, "EntryNotFound")
    depth = start.count("/")
    is_deep = asked.query.get("recursive", ["False"])[0].lower() in ("true", "1")
    return _json([entry for entry in below if is_deep or entry["path"].count("/") == depth])


def _paths(hub: Hub, asked: Asked) -> Answer:
    repo = hub.open(asked.path["repo"], asked.token, content=False)
    if isinstance(repo, tuple):
        return repo
    commit = repo.find(asked.path["revision"])
    if commit is None:
        return _error(404, "RevisionNotFound")
    text = asked.body.decode()
    wanted = json.loads(text)["paths"] if text.startswith("{") else parse_qs(text)["paths"]
    return _json([entry for entry in _entries(repo.commits[commit]) if entry["path"] in wanted])


def _resolve(hub: Hub, asked: Asked) -> Answer:
    repo = hub.open(asked.path["repo"], asked.token)
    if isinstance(repo, tuple):
        return repo
    commit = repo.find(asked.path["revision"])
    if commit is None:
        return _error(404, "RevisionNotFound")
    data = repo.commits[commit].get(asked.path["path"])
    if data is None:
        return _error(404, "EntryNotFound", **{"X-Repo-Commit": commit})
    etag = f'"{hashlib.sha1(data).hexdigest()}"'
    return 200, {"X-Repo-Commit": commit, "ETag": etag, "Accept-Ranges": "bytes"}, data


def _create(hub: Hub, asked: Asked) -> Answer:
    wanted = json.loads(asked.body)
    name = f"{wanted.get('organization') or 'anna'}/{wanted['name']}"
    if asked.token != TOKEN:
        return _unwelcome(asked.token)
    if name in hub.repos:
        problem = "You already created this dataset repo"
        return _json({"error": problem, "url": f"{hub.address}/datasets/{name}"}, 409)
    hub.repos[name] = Repo(private=wanted.get("private") or wanted.get("visibility") == "private")
    hub.repos[name].commit({".gitattributes": b""})
    return _json({"url": f"{hub.address}/datasets/{name}", "name": name, "id": name})


def _validate(hub: Hub, asked: Asked) -> Answer:
    """Is the metadata of a card YAML?"""
    match = re.match(r"---\n(.*?)\n---", json.loads(asked.body)["content"], re.S)
    try:
        yaml.safe_load(match[1] if match else "")
    except yaml.YAMLError as error:
        return _json({"errors": [{"message": str(error)}], "warnings": []}, 400)
    return _json({"errors": [], "warnings": []})


def _preupload(hub: Hub, asked: Asked) -> Answer:
    repo = hub.change(asked.path["repo"], asked.token)
    if isinstance(repo, tuple):
        return repo
    files = [_planned(file["path"], repo.files) for file in json.loads(asked.body)["files"]]
    return _json({"files": files, "commitOid": repo.head})


def _planned(path: str, files: Files) -> dict[str, object]:
    mode = "lfs" if path.endswith(LFS) else "regular"
    oid = None
    if path in files:
        is_large = mode == "lfs"
        oid = hashlib.sha256(files[path]).hexdigest() if is_large else _git_name(files[path])
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid}


def _commit(hub: Hub, asked: Asked) -> Answer:
    """One commit, whole or not at all."""
    repo = hub.change(asked.path["repo"], asked.token)
    if isinstance(repo, tuple):
        return repo
    head, *steps = [json.loads(line) for line in filter(None, asked.body.split(b"\n"))]
    with hub.writing:
        if head["value"].get("parentCommit", repo.head) != repo.head:
            problem = "A commit has happened since. Please refresh and try again."
            return _json({"error": problem}, 412)
        files = dict(repo.files)
        for step in steps:
            _apply(step["key"], step["value"], files, hub.uploads)
        return _committed(hub, asked, repo, files, head["value"]["summary"])


def _committed(hub: Hub, asked: Asked, repo: Repo, files: Files, title: str) -> Answer:
    place = f"{hub.address}/datasets/{asked.path['repo']}"
    is_proposed = asked.query.get("create_pr") == ["1"]
    name = repo.kept(files) if is_proposed else repo.commit(files)
    repo.titles[name] = title
    done: dict[str, object] = {"success": True, "commitOid": name}
    done["commitUrl"] = f"{place}/commit/{name}"
    if is_proposed:
        number = len(repo.pulls) + 1
        repo.pulls[number] = name
        done["pullRequestUrl"] = f"{place}/discussions/{number}"
    return _json(done)


def _refs(hub: Hub, asked: Asked) -> Answer:
    repo = hub.open(asked.path["repo"], asked.token)
    if isinstance(repo, tuple):
        return repo
    tags = []
    for name, commit in repo.tags.items():
        tags.append({"name": name, "ref": f"refs/tags/{name}", "targetCommit": commit})
    main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repo.head}
    return _json({"branches": [main], "converts": [], "tags": tags})


def _tag(hub: Hub, asked: Asked) -> Answer:
    repo = hub.change(asked.path["repo"], asked.token)
    if isinstance(repo, tuple):
        return repo
    tag, commit = json.loads(asked.body)["tag"], repo.find(asked.path["revision"])
    if commit is None:
        return _error(404, "RevisionNotFound")
    if tag in repo.tags:
        return _json({"error": "Tag reference exists already"}, 409)
    repo.tags[tag] = commit
    return _json({})


def _discussions(hub: Hub, asked: Asked) -> Answer:
    """The open pull requests."""
    name = asked.path["repo"]
    repo = hub.open(name, asked.token)
    if isinstance(repo, tuple):
        return repo
    found = []
    for number, commit in repo.pulls.items():
        found.append(
            {
                "title": repo.titles[commit],
                "num": number,
                "author": {"name": "anna"},
                "createdAt": "2026-01-01T00:00:00.000Z",
                "status": "open",
                "repo": {"name": name, "type": "dataset"},
                "isPullRequest": True,
            }
        )
    return _json({"discussions": found, "count": len(found), "start": 0})


def _apply(key: str, value: dict[str, str], files: Files, uploads: Files) -> None:
    """One step of a commit: a file with its content, one uploaded before, or a deletion."""
    if key == "file":
        content = value["content"].encode()
        is_packed = value.get("encoding") == "base64"
        files[value["path"]] = base64.b64decode(content) if is_packed else content
    elif key == "lfsFile":
        files[value["path"]] = uploads[value["oid"]]
    elif key in ("deletedFile", "deletedFolder"):
        below = value["path"].rstrip("/") + "/"
        for path in [path for path in files if path == value["path"] or path.startswith(below)]:
            del files[path]


def _batch(hub: Hub, asked: Asked) -> Answer:
    objects = [_upload_of(hub, wanted) for wanted in json.loads(asked.body)["objects"]]
    return _json({"transfer": "basic", "objects": objects})


def _upload_of(hub: Hub, wanted: dict[str, object]) -> dict[str, object]:
    """Where to send an LFS object; one that is there needs no upload."""
    known: dict[str, object] = {"oid": wanted["oid"], "size": wanted["size"]}
    if wanted["oid"] in hub.uploads:
        return known
    return known | {"actions": {"upload": {"href": f"{hub.address}/lfs/{wanted['oid']}"}}}


def _upload(hub: Hub, asked: Asked) -> Answer:
    if hashlib.sha256(asked.body).hexdigest() != asked.path["oid"]:
        return _json({"error": "this is not what was announced"}, 400)
    hub.uploads[asked.path["oid"]] = asked.body
    return 200, {}, b""


REPO = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
AT = r"(?P<revision>refs/pr/\d+|[^/]+)"
ROUTES = (
    (r"/api/whoami-v2", _whoami),
    (r"/api/repos/create", _create),
    (r"/api/validate-yaml", _validate),
    (REPO + r"(?:/revision/(?P<revision>.+))?", _info),
    (REPO + rf"/tree/{AT}(?P<path>/.*)?", _tree),
    (REPO + rf"/paths-info/{AT}", _paths),
    (REPO + rf"/preupload/{AT}", _preupload),
    (REPO + rf"/commit/{AT}", _commit),
    (REPO + r"/refs", _refs),
    (REPO + rf"/tag/{AT}", _tag),
    (REPO + r"/discussions", _discussions),
    (rf"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/{AT}/(?P<path>.+)", _resolve),
    (r"/datasets/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch", _batch),
    (r"/lfs/(?P<oid>[0-9a-f]+)", _upload),
)


@contextmanager
def serving(datasets: dict[str, Files] | None = None) -> Iterator[Hub]:
    """The Hub, running until the block ends."""
    hub = Hub()
    for name, files in (datasets or {}).items():
        hub.repos[name] = Repo()
        hub.repos[name].commit(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b"".join(iter(self._chunk, b""))
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
            status, headers, data = hub.answer(self.command, self.path, body, token)
            if status == CUT:
                self.close_connection = True
                return
            span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            if status == 200 and span:
                start, last = int(span[1]), len(data) - 1
                end = min(int(span[2] or last), last)
                headers = {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}
                status, data = 206, data[start : end + 1]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def _chunk(self) -> bytes:
            data = self.rfile.read(int(self.rfile.readline(), 16))
            self.rfile.readline()
            return data

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = respond

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
