"""Where CDRs of a leg are looked for: files by its uuid, and copies of those of a container."""

import asyncio
from pathlib import Path

import pytest

from fixtures.event_socket import connect
from fixtures.switches.cdr_directory import CdrDirectory
from fixtures.switches.process import ProcessSwitch

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
