"""Where CDRs of a leg are looked for: files by its uuid, and copies of those of a container."""

import asyncio
import io
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import docker.models.containers
import pytest
from docker.errors import NotFound

from fixtures.configuration import CDR_FILES, CSV_FILE
from fixtures.event_socket import EventSocket, connect
from fixtures.switches import container_cdrs
from fixtures.switches.cdr_directory import CdrDirectory
from fixtures.switches.container_cdrs import CdrMirror
from fixtures.switches.container_files import ContainerFiles
from fixtures.switches.owner import own_mark
from fixtures.switches.process import ProcessSwitch
from tests.answers import Answers

ODD = ["node1/0001", "../u", "u" * 300, "ü" * 150, "u\ud800", "u\0", "u\nx", "", ".", "\udcff"]
"""What a switch may take for a uuid."""


@pytest.mark.parametrize("odd", ODD)
def test_a_uuid_that_no_file_can_have_in_its_name_has_none(tmp_path: Path, odd: str) -> None:
    """It takes no CDR of another leg with it, and ends no run."""
    (tmp_path / "cdr/json_cdr").mkdir(parents=True)
    (tmp_path / "cdr/json_cdr/u.cdr.json").write_bytes(b"{}")

    async def read() -> list[dict[str, dict[str, bytes]]]:
        switch = ProcessSwitch("process://x", Path("/x"), connect, keep=True)
        switch.directory = tmp_path
        switch._loaded = frozenset({"mod_json_cdr", "mod_xml_cdr"})
        source = CdrDirectory(tmp_path / "cdr")
        await source.start()
        return [await switch.read_cdrs([odd, "u"]), await source.read([odd, "u"])]

    assert asyncio.run(read()) == [{"u": {"json_cdr": b"{}"}}] * 2


# --- copies of a container's files ----------------------------------------------------------------


class Container:
    """A container's files, in and out as the engine does it, and the switch that writes CDRs."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.written_to = "/lc/cdr"

    def get_archive(self, path: str, chunk_size: int) -> tuple[Iterator[bytes], object]:
        parent = path.rpartition("/")[0]
        there = {name: data for name, data in self.files.items() if name.startswith(f"{path}/")}
        if not there:
            raise NotFound(path)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, data in there.items():
                member = tarfile.TarInfo(name.removeprefix(f"{parent}/"))
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return iter([buffer.getvalue()]), {}

    def put_archive(self, root: str, data: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                name = f"{root}{member.name.lstrip(root)}"
                if member.isdir():
                    self.files.pop(name, None)
                else:
                    self.files = {
                        path: data
                        for path, data in self.files.items()
                        if not path.startswith(f"{name}/")
                    }
                    self.files[name] = b""

    def write_cdrs(self, uuid: str) -> None:
        """Write a leg's CDRs, as the modules do."""
        for path in CDR_FILES.values():
            self.files[f"{self.written_to}/{path.format(uuid=uuid)}"] = uuid.encode() * 1000
        rows = f"{self.written_to}/{CSV_FILE}"
        self.files[rows] = self.files.get(rows, b"") + b'"%s"\n' % uuid.encode()


class Told(Answers):
    """A connection over which the container is told where to write."""

    def __init__(self, container: Container) -> None:
        super().__init__({})
        self.container = container

    async def api(self, command: str, *, timeout: float = 10.0) -> str:
        if command.startswith("global_setvar json_cdr_base="):
            self.container.written_to = command.partition("=")[2].rpartition("/")[0]
        return "+OK"


def mirror(container: Container, *, keep: bool = False) -> CdrMirror:
    async def connected() -> EventSocket:
        return Told(container)

    files = ContainerFiles(cast("docker.models.containers.Container", container))
    return CdrMirror(files, "/lc/cdr", connected, keep=keep)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Directories of some files, copied without a pause; gives where the copies are."""
    monkeypatch.setattr(container_cdrs, "_INTERVAL", 0.0)
    monkeypatch.setattr(container_cdrs, "_GRACE", 0.0)
    monkeypatch.setattr(container_cdrs, "_FULL", 20)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def paths(uuids: Sequence[str]) -> list[str]:
    return [path.format(uuid=uuid) for uuid in uuids for path in CDR_FILES.values()]


def place_calls(container: Container, copies: CdrMirror, calls: int) -> None:
    """Place calls of two legs, and read their CDRs at the end of each."""

    async def session() -> None:
        for call in range(calls):
            uuids = [f"call{call}-{leg}" for leg in range(2)]
            for uuid in uuids:
                container.write_cdrs(uuid)
            found = await copies.read(paths(uuids))
            written = {uuid: uuid.encode() * 1000 for uuid in uuids}
            assert found == {path: written[uuid] for uuid in uuids for path in paths([uuid])}
            assert copies.rows.read(uuids).keys() == set(uuids)

    asyncio.run(session())


def test_copies_that_were_read_are_gone_and_are_not_made_again(small: Path) -> None:
    container = Container()
    copies = mirror(container)
    place_calls(container, copies, 3)
    assert not asyncio.run(copies.read(paths(["call0-0", "call2-1"])))
    left = {path.name: path for path in small.rglob("*") if path.is_file()}
    assert left.keys() == {"Master.csv", "owner"}
    assert left["owner"].read_text() == own_mark(), "else nobody removes it if this run dies"
    copies.close()


def test_a_file_that_grew_since_it_was_copied_is_copied_again(small: Path) -> None:
    container = Container()
    copies = mirror(container)
    (path,) = [path for path in paths(["u"]) if path.endswith("json")]
    container.files[f"/lc/cdr/{path}"] = b"{"
    asyncio.run(copies.read([]))
    container.files[f"/lc/cdr/{path}"] = b"{}"
    assert asyncio.run(copies.read([path])) == {path: b"{}"}
    copies.close()


def test_a_directory_that_was_left_is_emptied_in_the_container(small: Path) -> None:
    container = Container()
    copies = mirror(container)
    place_calls(container, copies, 100)
    directories = {path.split("/")[2] for path in container.files}
    assert len(directories) <= 2
    assert "cdr" not in directories
    assert copies._copied.keys() <= {f"/lc/{name}" for name in directories}
    copies.close()


def test_a_container_that_is_kept_keeps_its_cdrs(small: Path) -> None:
    container = Container()
    copies = mirror(container, keep=True)
    place_calls(container, copies, 20)
    assert sum(path.endswith(".json") for path in container.files) == 40
    copies.close()
