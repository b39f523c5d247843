"""A headless Chromium, told what to do over two pipes (the Chrome DevTools Protocol).

Nothing but the browser is needed for that. Whatever it asks of the network is written down.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from tempfile import TemporaryDirectory
from typing import Any

BINARY = os.environ.get("LOOPBACK_CONFORMANCE_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

SILENT_SECONDS = 60.0
"""After which a browser that says nothing is given up."""

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


class Page:
    """A page that is open: what it asked of the network, and what it complained of."""

    def __init__(self, browser: _Browser) -> None:
        """Use `opened`."""
        self._browser = browser

    @property
    def requests(self) -> list[str]:
        """The addresses that were asked for, without those that hold their own data."""
        return [
            one["request"]["url"]
            for one in self._browser.told("Network.requestWillBeSent")
            if not one["request"]["url"].startswith("data:")
        ]

    @property
    def complaints(self) -> list[str]:
        """What stands on the console: errors, exceptions, what the page's policy forbade."""
        return [
            json.dumps(one)
            for name in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
            for one in self._browser.told(name)
        ]

    def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression gives; a promise is waited for."""
        answer = self._browser.ask(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Press a key and let it go."""
        code = {"Tab": 9, "Enter": 13}.get(key, ord(key[0]))
        for kind in ("keyDown", "keyUp"):
            pressed = {"type": kind, "key": key, "windowsVirtualKeyCode": code}
            self._browser.ask(
                "Input.dispatchKeyEvent", **pressed, text=text if kind == "keyDown" else ""
            )

    def emulate(self, **features: str) -> None:
        """Show it in another medium (`media`), or as somebody who prefers something."""
        media = features.pop("media", "")
        wanted = [{"name": f"prefers-{name}", "value": value} for name, value in features.items()]
        self._browser.ask("Emulation.setEmulatedMedia", media=media, features=wanted)

    def resize(self, width: int, height: int) -> None:
        """Give it a window of this size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._browser.ask("Emulation.setDeviceMetricsOverride", **size)

    def screenshot(self, path: Path, clip: dict[str, float] | None = None) -> None:
        """Write what is seen, or a part of the page, as a PNG file."""
        asked = {"captureBeyondViewport": True, "clip": {**clip, "scale": 1}} if clip else {}
        answer = self._browser.ask("Page.captureScreenshot", **asked)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self, path: Path) -> None:
        """Write it as it prints."""
        answer = self._browser.ask("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(answer["data"]))


class _Browser:
    def __init__(self, profile: str) -> None:
        there, ask = os.pipe()
        answer, back = os.pipe()
        # Chromium reads from descriptor 3 and writes to descriptor 4.
        shell = f'exec "$@" 3<&{there} 4>&{back}'
        command = [BINARY, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *command],
            pass_fds=(there, back),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there)
        os.close(back)
        self._ask, self._answer = os.fdopen(ask, "wb", 0), os.fdopen(answer, "rb", 0)
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []

    def attach(self) -> None:
        """Speak to a page of its own from now on."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._ask.write(json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result

    def told(self, method: str) -> list[dict[str, Any]]:
        return [one["params"] for one in self._events if one["method"] == method]

    def wait_for(self, method: str) -> None:
        while not self.told(method):
            self._next()

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select([self._answer], [], [], SILENT_SECONDS)
            assert ready, "the browser says nothing"
            data = self._answer.read(1 << 16)
            assert data, "the browser has ended"
            self._rest += data
        text, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(text)
        if "method" in told:
            self._events.append(told)
        return told

    def close(self) -> None:
        self._ask.close()  # which ends it
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._answer.close()


@contextmanager
def opened(path: Path) -> Iterator[Page]:
    """The page of a file, when all of it is loaded; the browser ends with the block."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = _Browser(profile)
        try:
            browser.attach()
            browser.ask("Page.navigate", url=path.resolve().as_uri())
            browser.wait_for("Page.loadEventFired")
            yield Page(browser)
        finally:
            browser.close()
