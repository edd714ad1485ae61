"""A headless Chromium, driven by its own protocol over a WebSocket."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = "chromium"
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
)
PATIENCE = 30.0  # seconds


@dataclass
class Page:
    """A page. problems: errors, refusals of its policy, and requests to other places."""

    socket: aiohttp.ClientWebSocketResponse
    problems: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    number: int = 0

    async def call(self, method: str, **parameters: Any) -> Any:
        self.number += 1
        own = self.number
        await self.socket.send_json({"id": own, "method": method, "params": parameters})
        while True:
            said = json.loads((await self.socket.receive(PATIENCE)).data)
            if said.get("id") == own:
                return said.get("result", said)
            self.note(said)

    def note(self, said: Any) -> None:
        method, parameters = said.get("method"), said.get("params", {})
        if method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])
        entry = parameters.get("entry", {})
        if method == "Runtime.exceptionThrown" or entry.get("level") == "error":
            self.problems.append(json.dumps(parameters)[:300])

    async def value(self, expression: str) -> Any:
        """What an expression comes to in the page."""
        found = await self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is true."""
        async with asyncio.timeout(PATIENCE):
            while not await self.value(expression):
                await asyncio.sleep(0.05)

    async def look(self, width: int, height: int, theme: str) -> None:
        """Size and theme from now on."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": theme}]
        await self.call("Emulation.setEmulatedMedia", features=scheme)

    async def open(self, address: str) -> None:
        await self.call("Page.navigate", url=address)
        await self.until("document.readyState === 'complete'")


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Page]:
    """A page of a new browser. folder: its own."""
    command = [CHROMIUM, *OPTIONS, f"--user-data-dir={folder}", "about:blank"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as browser:
        try:
            port = await _port(folder / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json") as response:
                    tabs = await response.json()
                (tab,) = [tab for tab in tabs if tab["type"] == "page"]
                async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as way:
                    page = Page(way)
                    for domain in ("Runtime", "Log", "Page", "Network"):
                        await page.call(f"{domain}.enable")
                    yield page
        finally:
            browser.terminate()


async def _port(file: Path) -> str:
    async with asyncio.timeout(PATIENCE):
        while not (file.exists() and file.read_text().strip()):
            await asyncio.sleep(0.1)
    return file.read_text().split()[0]
