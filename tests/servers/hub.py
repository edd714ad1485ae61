"""A small Hub on a free port of 127.0.0.1: datasets to read and to publish to, over the addresses the real one has.

It speaks what `huggingface_hub` and `datasets` ask: whoami, dataset info, tree, paths-info, resolve (with ranges),
create, preupload, commit, and LFS upload. Commits are kept, so older revisions stay readable. Repositories may be gated
or private; `hub.failing` answers the next requests that match with an error.

    with serving({"anna/talks": {"README.md": b"...", "train.jsonl": b"..."}}) as hub:
        subprocess.run([...], env=os.environ | hub.environment(tmp_path))
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

Files = dict[str, bytes]
Answer = tuple[int, dict[str, str], bytes]
TOKEN = "hf_example"


@dataclass
class Repo:
    """One dataset: its commits, oldest first; `main` is the last."""

    commits: dict[str, Files] = field(default_factory=dict)
    gated: bool = False
    private: bool = False

    def commit(self, files: Files) -> str:
        data = b"".join(path.encode() + body for path, body in sorted(files.items()))
        name = hashlib.sha1(str(len(self.commits)).encode() + data).hexdigest()
        self.commits[name] = dict(files)
        return name

    def find(self, revision: str) -> str | None:
        if revision in ("main", "HEAD", ""):
            return list(self.commits)[-1]
        return next(
            (name for name in self.commits if len(revision) >= 7 and name.startswith(revision)),
            None,
        )

    @property
    def files(self) -> Files:
        return list(self.commits.values())[-1]


@dataclass
class Failure:
    """The next `times` requests whose method and path match are answered with `status`."""

    pattern: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1


class Hub:
    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.uploads: dict[str, bytes] = {}  # LFS objects by sha256
        self.failing: list[Failure] = []
        self.asked: list[str] = []  # "GET /api/..", in order
        self.address = ""

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
        for failure in self.failing:
            if failure.times and re.search(failure.pattern, f"{method} {path}"):
                failure.times -= 1
                return failure.status, failure.headers, b'{"error": "planned failure"}'
        parts = urlsplit(path)
        for pattern, handler in ROUTES:
            if match := re.fullmatch(pattern, unquote(parts.path)):
                return handler(self, method, match, parse_qs(parts.query), body, token)
        return 404, {"X-Error-Code": "EntryNotFound"}, b'{"error": "no such address"}'

    def open(self, name: str, token: str | None, content: bool = True) -> Repo | Answer:
        """The repository, or the refusal that the real Hub would give."""
        repo = self.repos.get(name)
        if repo is None or (repo.private and token != TOKEN):
            return (
                (404 if token else 401),
                {"X-Error-Code": "RepoNotFound"},
                b'{"error": "Repository not found"}',
            )
        if repo.gated and content and token != TOKEN:
            return (
                401,
                {"X-Error-Code": "GatedRepo"},
                b'{"error": "Access to this dataset is restricted"}',
            )
        return repo


def _json(value: object, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _whoami(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    if token != TOKEN:
        return _json({"error": "Invalid credentials"}, 401)
    return _json(
        {
            "type": "user",
            "name": "anna",
            "orgs": [],
            "auth": {"type": "access_token", "accessToken": {"role": "write"}},
        }
    )


def _info(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    repo = hub.open(match["repo"], token, content=False)
    if isinstance(repo, tuple):
        return repo
    commit = repo.find(match["revision"] or "main")
    if commit is None:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b'{"error": "Invalid rev id"}'
    siblings = [{"rfilename": path} for path in sorted(repo.commits[commit])]
    about = {
        "id": match["repo"],
        "sha": commit,
        "gated": repo.gated,
        "private": repo.private,
        "tags": [],
    }
    return _json(
        {
            **about,
            "siblings": siblings,
            "lastModified": "2026-01-01T00:00:00.000Z",
            "disabled": False,
        }
    )


def _entries(files: Files) -> list[dict]:
    found = [
        {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        for path, data in files.items()
    ]
    folders = {
        "/".join(path.split("/")[:n]) for path in files for n in range(1, path.count("/") + 1)
    }
    return found + [
        {
            "type": "directory",
            "path": path,
            "size": 0,
            "oid": hashlib.sha1(path.encode()).hexdigest(),
        }
        for path in folders
    ]


def _tree(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    repo = hub.open(match["repo"], token, content=False)
    if isinstance(repo, tuple):
        return repo
    commit, folder = repo.find(match["revision"]), (match["path"] or "").strip("/")
    if commit is None:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
    below = [
        e
        for e in _entries(repo.commits[commit])
        if not folder or e["path"].startswith(folder + "/")
    ]
    if folder and not below:
        return 404, {"X-Error-Code": "EntryNotFound"}, b"{}"
    depth = folder.count("/") + 1 if folder else 0
    everything = query.get("recursive", ["False"])[0].lower() in ("true", "1")
    return _json([e for e in below if everything or e["path"].count("/") == depth])


def _paths(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    repo = hub.open(match["repo"], token, content=False)
    if isinstance(repo, tuple):
        return repo
    commit = repo.find(match["revision"])
    if commit is None:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
    text = body.decode()
    wanted = json.loads(text)["paths"] if text.startswith("{") else parse_qs(text)["paths"]
    return _json([e for e in _entries(repo.commits[commit]) if e["path"] in wanted])


def _resolve(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    repo = hub.open(match["repo"], token)
    if isinstance(repo, tuple):
        return repo
    commit = repo.find(match["revision"])
    if commit is None:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b""
    data = repo.commits[commit].get(match["path"])
    if data is None:
        return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b""
    etag = f'"{hashlib.sha1(data).hexdigest()}"'
    return 200, {"X-Repo-Commit": commit, "ETag": etag, "Accept-Ranges": "bytes"}, data


def _create(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    asked = json.loads(body)
    name = f"{asked.get('organization') or 'anna'}/{asked['name']}"
    if token != TOKEN:
        return _json({"error": "Invalid credentials"}, 401)
    if name in hub.repos:
        return _json(
            {
                "error": "You already created this dataset repo",
                "url": f"{hub.address}/datasets/{name}",
            },
            409,
        )
    hub.repos[name] = Repo(private=asked.get("private") or asked.get("visibility") == "private")
    hub.repos[name].commit({".gitattributes": b""})
    return _json({"url": f"{hub.address}/datasets/{name}", "name": name, "id": name})


def _preupload(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    files = [_planned(f["path"]) for f in json.loads(body)["files"]]
    return _json({"files": files, "commitOid": hub.repos[match["repo"]].find("main")})


def _planned(path: str) -> dict:
    large = path.endswith((".parquet", ".png", ".zip"))
    return {
        "path": path,
        "uploadMode": "lfs" if large else "regular",
        "shouldIgnore": False,
        "oid": None,
    }


def _commit(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    """One commit, whole or not at all."""
    repo = hub.open(match["repo"], token)
    if isinstance(repo, tuple) or token != TOKEN:
        return repo if isinstance(repo, tuple) else _json({"error": "Invalid credentials"}, 401)
    files = dict(repo.files)
    for line in filter(None, body.split(b"\n")):
        entry = json.loads(line)
        value = entry["value"]
        if entry["key"] == "file":
            content = value["content"]
            files[value["path"]] = (
                base64.b64decode(content) if value.get("encoding") == "base64" else content.encode()
            )
        elif entry["key"] == "lfsFile":
            files[value["path"]] = hub.uploads[value["oid"]]
        elif entry["key"] in ("deletedFile", "deletedFolder"):
            files = {
                p: d
                for p, d in files.items()
                if p != value["path"] and not p.startswith(value["path"].rstrip("/") + "/")
            }
    name = repo.commit(files)
    return _json(
        {
            "success": True,
            "commitOid": name,
            "commitUrl": f"{hub.address}/datasets/{match['repo']}/commit/{name}",
        }
    )


def _batch(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    objects = [
        {"oid": o["oid"], "size": o["size"], **_action(hub, o["oid"])}
        for o in json.loads(body)["objects"]
    ]
    return _json({"transfer": "basic", "objects": objects})


def _action(hub: Hub, oid: str) -> dict:
    return (
        {} if oid in hub.uploads else {"actions": {"upload": {"href": f"{hub.address}/lfs/{oid}"}}}
    )


def _upload(
    hub: Hub, method: str, match: re.Match, query: dict, body: bytes, token: str | None
) -> Answer:
    hub.uploads[match["oid"]] = body
    return 200, {}, b""


REPO = r"/api/datasets/(?P<repo>[^/]+/[^/]+)"
ROUTES = (
    (r"/api/whoami-v2", _whoami),
    (r"/api/repos/create", _create),
    (REPO + r"(?:/revision/(?P<revision>.+))?", _info),
    (REPO + r"/tree/(?P<revision>[^/]+)(?P<path>/.*)?", _tree),
    (REPO + r"/paths-info/(?P<revision>[^/]+)", _paths),
    (REPO + r"/preupload/(?P<revision>[^/]+)", _preupload),
    (REPO + r"/commit/(?P<revision>[^/]+)", _commit),
    (r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)", _resolve),
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
            span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            if status == 200 and span:
                start, end = int(span[1]), min(int(span[2] or len(data) - 1), len(data) - 1)
                status, headers = (
                    206,
                    {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"},
                )
                data = data[start : end + 1]
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
