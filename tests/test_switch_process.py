"""The process driver: with programs that only claim to be FreeSWITCH, and with a real one where
LOOPBACK_CONFORMANCE_FREESWITCH is the absolute path of a freeswitch binary."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.profile import Profile
from fixtures.event_socket import ConnectionRefused, EventSocket, EventSocketTimeout, connect
from fixtures.switches import SwitchError, UsageError, open_switch, owner, process, tether
from fixtures.switches.container import ContainerSwitch
from fixtures.switches.interface import PASSWORD_VARIABLE
from fixtures.switches.private import last_words
from fixtures.switches.process import ProcessSwitch
from tests.answers import Answers
from tests.switch_session import CHECKS, Open, run_check

BINARY = os.environ.get("LOOPBACK_CONFORMANCE_FREESWITCH", "")

needs_freeswitch = pytest.mark.skipif(
    not BINARY, reason="set LOOPBACK_CONFORMANCE_FREESWITCH to the path of a freeswitch binary"
)

CLAIM = 'if [ "$1" = -version ]; then echo "FreeSWITCH version: 0"; exit; fi; '


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Directory for temporary files of this test alone."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def program(tmp_path: Path, script: str) -> Path:
    path = tmp_path / "freeswitch"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def starting_fails(path: Path) -> str:
    with pytest.raises(SwitchError) as caught:
        asyncio.run(open_switch(f"process://{path}").start(Profile()))
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    return said


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# What is no FreeSWITCH


def test_no_such_file(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    assert starting_fails(path).startswith(f"there is no file {path}; ")


def test_a_directory(tmp_path: Path) -> None:
    assert starting_fails(tmp_path).startswith(f"there is no file {tmp_path}; ")


def test_not_executable(tmp_path: Path) -> None:
    path = program(tmp_path, "")
    path.chmod(0o644)
    assert starting_fails(path).startswith(f"{path} is not executable; ")


def test_not_a_program(tmp_path: Path) -> None:
    path = tmp_path / "freeswitch"
    path.write_bytes(b"\0\1\2")
    path.chmod(0o755)
    assert f"{path} cannot be run: " in starting_fails(path)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo hello", "'hello'"),
        ("echo cannot load libx >&2; exit 127", "'cannot load libx'"),
        ("exit 3", "''"),
        ("yes", "'y'"),
    ],
)
def test_not_freeswitch(tmp_path: Path, script: str, said: str) -> None:
    path = program(tmp_path, script)
    assert f"{path} is not FreeSWITCH: -version says {said}; " in starting_fails(path)


def test_not_freeswitch_and_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_VERSION_TIMEOUT", 0.2)
    assert "is not FreeSWITCH" in starting_fails(program(tmp_path, "exec sleep 60"))


@pytest.mark.parametrize("said", ["FreeSWITCH version: 0", "another"])
def test_a_wrapper_that_starts_a_helper_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """The helper lives on in a session of its own, and holds the pipe open."""
    monkeypatch.setattr(process, "_VERSION_TIMEOUT", 0.5)
    helper = f"setsid sh -c 'echo $$ >> {tmp_path}/helpers; exec sleep 60' &"
    until_there = f"until [ -s {tmp_path}/helpers ]; do :; done"
    path = program(tmp_path, f"{helper} {until_there}; echo {said}; exit 1")
    ends = "ended at its start" if said.startswith("FreeSWITCH") else "is not FreeSWITCH"

    async def start() -> None:
        async with asyncio.timeout(20):
            await open_switch(f"process://{path}").start(Profile())

    try:
        with pytest.raises(SwitchError, match=ends):
            asyncio.run(start())
    finally:
        for pid in (tmp_path / "helpers").read_text().split():
            os.kill(int(pid), signal.SIGKILL)


def test_a_switch_that_ends_at_its_start(tmp_path: Path, temporary: Path) -> None:
    said = starting_fails(program(tmp_path, CLAIM + "echo loading; echo no room >&2; exit 1"))
    assert said.endswith("ended at its start; its last words: no room")
    assert not list(temporary.iterdir())


def test_a_switch_that_ends_without_a_word(tmp_path: Path) -> None:
    said = starting_fails(program(tmp_path, CLAIM + "exit 7"))
    assert said.endswith("its last words: none, exit status 7")


def test_a_switch_that_never_listens(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fixtures.switches.private.START_TIMEOUT", 0.3)
    said = starting_fails(program(tmp_path, CLAIM + "echo loading; exec sleep 60"))
    assert said.endswith("was not ready within 0 s; its last words: loading")
    assert not list(temporary.iterdir())


# What it leaves, and lets be seen


def test_only_its_owner_can_read_what_it_writes(tmp_path: Path, temporary: Path) -> None:
    async def session() -> None:
        binary = program(tmp_path, CLAIM + "exec sleep 60")
        switch = ProcessSwitch("process://x", binary, connect)
        switch._password = "a-very-secret-word"
        await switch._launch(Profile())
        assert switch.directory is not None
        assert switch.directory.stat().st_mode & 0o777 == 0o700
        files = [path for path in (switch.directory / "conf").rglob("*") if path.is_file()]
        assert files
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
        assert switch._process is not None
        about = Path(f"/proc/{switch._process.pid}")
        for name in ("cmdline", "environ"):
            assert "a-very-secret-word" not in (about / name).read_text()
        pid = switch._process.pid
        await switch.stop()
        assert not is_running(pid)

    asyncio.run(session())
    assert not list(temporary.iterdir())


def test_the_password_of_another_switch_is_not_given_to_the_binary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "a-very-secret-word")
    monkeypatch.setenv("ANOTHER", "variable")
    for place in ("version", "run"):
        (tmp_path / place).touch()
    script = f'env >> {tmp_path}/run; [ "$1" = -version ] && env >> {tmp_path}/version; '
    starting_fails(program(tmp_path, f"{script}{CLAIM}exit 1"))
    for place in ("version", "run"):
        given = (tmp_path / place).read_text()
        assert "ANOTHER=variable" in given
        assert "a-very-secret-word" not in given


def test_what_is_kept_does_not_hold_the_password(tmp_path: Path, temporary: Path) -> None:
    async def session() -> Path:
        binary = program(tmp_path, CLAIM + "exec sleep 60")
        switch = ProcessSwitch("process://x", binary, connect, keep=True)
        switch._password = "a-very-secret-word"
        await switch._launch(Profile())
        await switch.stop()
        assert switch.directory is not None
        return switch.directory

    kept = asyncio.run(session())
    files = [path for path in kept.rglob("*") if path.is_file()]
    assert kept / "conf/freeswitch.xml" in files
    assert not [path for path in files if b"a-very-secret-word" in path.read_bytes()]
    owner.remove_left_over(temporary)
    assert kept.is_dir()


def test_the_child_dies_with_its_parent() -> None:
    code = (
        "import os, subprocess, sys, time\n"
        f"tether = {tether.__file__!r}\n"
        "child = [sys.executable, '-I', tether, str(os.getpid()), '/bin/sleep', '60']\n"
        "print(subprocess.Popen(child).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    wait_until(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes())
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_running(child))


def leave(temporary: Path, name: str) -> Path:
    """Make a directory as a run leaves it; gives its owner file, which is not there yet."""
    directory = temporary / f"loopback-conformance-{name}"
    directory.mkdir()
    return directory / "owner"


def left(temporary: Path) -> set[str]:
    owner.remove_left_over(temporary)
    return {path.name.removeprefix("loopback-conformance-") for path in temporary.iterdir()}


def test_only_what_a_dead_run_left_is_removed(temporary: Path) -> None:
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    place, pid, start = owner.own_mark().rsplit("/", 2)
    host, boot, namespace = place.split("/")
    marks = {
        "dead": f"{place}/{ended.pid}/1",
        "reused": f"{place}/{pid}/1",
        "ours": f"{place}/{pid}/{start}",
        "elsewhere": f"another-host/{boot}/{namespace}/{ended.pid}/1",
        "another machine of this name": f"{host}/another-boot/{namespace}/{ended.pid}/1",
        "in a container": f"{host}/{boot}/pid:[1]/{ended.pid}/1",
        "of an earlier version": f"{host}/{ended.pid}/1",
        "garbled": "x",
        "group": f"{place}/0/1",
        "huge": f"{place}/{10**30}/1",
        "endless": f"{place}/{'9' * 5000}/1",
    }
    for name, mark in marks.items():
        leave(temporary, name).write_text(mark)
    assert left(temporary) == marks.keys() - {"dead", "reused"}


def test_an_owner_that_is_no_text_or_no_file_is_left_alone(temporary: Path) -> None:
    """Whoever makes one must not stop every run on the host."""
    leave(temporary, "bytes").write_bytes(b"\377\376")
    leave(temporary, "directory").mkdir()
    os.mkfifo(leave(temporary, "pipe"))
    leave(temporary, "link").symlink_to("/dev/zero")
    leave(temporary, "none")
    assert left(temporary) == {"bytes", "directory", "pipe", "link", "none"}


def test_what_another_user_left_is_left_alone(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = f"{owner.own_mark().rsplit('/', 2)[0]}/{os.getpid()}/1"
    leave(temporary, "theirs").write_text(dead)
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    assert left(temporary) == {"theirs"}
    monkeypatch.undo()
    assert not left(temporary)


def test_last_words_name_the_module_that_failed_to_load() -> None:
    log = (
        "now [CRIT] Error Loading module mod_x.so\n"
        "**mod_x.so: no such file**\n"
        "now [CONSOLE] ready\n"
        "| banner of letters |\n"
        ".====.\n"
    )
    assert last_words(log) == "now [CRIT] Error Loading module mod_x.so **mod_x.so: no such file**"
    assert last_words(log.split("\n", 2)[2]) == "now [CONSOLE] ready"
    assert last_words("") == ""


# Settings


class Settled(Answers):
    """A connection that takes settings, once, and is lost where it should be."""

    def __init__(self, lost_at: str = "") -> None:
        super().__init__({})
        self.lost_at = lost_at

    async def api(self, command: str, *, timeout: float = 10.0) -> str:
        self.asked.append(command)
        if command == self.lost_at:
            raise EventSocketTimeout(f"no reply to {command}")
        return "+OK"


def settled(tmp_path: Path, *connections: Settled) -> ProcessSwitch:
    """Give a switch that was started with a global variable; each connection is made once."""
    left = list(connections)

    async def connected(*_: object) -> EventSocket:
        return left.pop(0)

    switch = ProcessSwitch("process:///x", Path("/x"), connected)
    switch.directory = tmp_path
    switch._profiles = frozenset({Profile(global_variables=(("first", "1"),))})
    return switch


@pytest.mark.parametrize("lost_at", ["reloadxml", "global_setvar first="])
def test_settings_that_were_broken_off_do_not_count_as_taken(tmp_path: Path, lost_at: str) -> None:
    """The campaign takes up the connection again, and asks for them once more."""
    lost, again, back = Settled(lost_at), Settled(), Settled()
    switch = settled(tmp_path, lost, again, back)
    wanted = Profile(global_variables=(("second", "2"),))

    async def session() -> None:
        with pytest.raises(EventSocketTimeout):
            await switch.configure(wanted)
        await switch.configure(wanted)
        await switch.configure(wanted)  # which it has by now
        await switch.configure(Profile())

    asyncio.run(session())
    assert again.asked == ["reloadxml", "global_setvar first="]
    assert back.asked == ["reloadxml", "global_setvar second="]


def test_whatever_may_hold_after_settings_were_broken_off_is_taken_back(tmp_path: Path) -> None:
    """Another block, with other settings, may be the next."""
    lost, back = Settled("reloadxml"), Settled()
    switch = settled(tmp_path, lost, back)
    first = next(iter(switch._profiles))

    async def session() -> None:
        with pytest.raises(EventSocketTimeout):
            await switch.configure(Profile(global_variables=(("second", "2"),)))
        await switch.configure(first)

    asyncio.run(session())
    assert back.asked == ["reloadxml", "global_setvar second="]


# URLs


def test_urls_name_drivers() -> None:
    assert isinstance(open_switch("process:///usr/bin/freeswitch"), ProcessSwitch)
    switch = open_switch("docker://some/image:1.2")
    assert isinstance(switch, ContainerSwitch)
    assert open_switch("docker://").url == "docker://safarov/freeswitch:1.10.12"
    assert open_switch("docker://", image="mine").url == "docker://mine"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("process://relative/path", "not the URL of a switch: 'process://relative/path'"),
        ("docker:image", "not the URL of a switch: 'docker:image'"),
        ("freeswitch", "not the URL of a switch: 'freeswitch'"),
        ("", "not the URL of a switch: ''"),
    ],
)
def test_other_urls_are_refused(url: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_switch(url)
    assert str(caught.value).startswith(f"{said}; use embedded:, process:///")


def test_another_event_socket_client_is_refused() -> None:
    with pytest.raises(UsageError, match="use asyncio or python-esl"):
        open_switch("docker://", event_socket="pigeon")  # type: ignore[arg-type]


# A real one


@needs_freeswitch
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_freeswitch(check: Callable[[Open], object], temporary: Path) -> None:
    run_check(
        check,
        lambda modules: ProcessSwitch(
            f"process://{BINARY}", Path(BINARY), connect, modules=modules
        ),
    )
    assert not list(temporary.iterdir())


@needs_freeswitch
def test_freeswitch_that_crashes() -> None:
    async def session() -> None:
        switch = open_switch(f"process://{BINARY}")
        assert isinstance(switch, ProcessSwitch)
        await switch.start(Profile())
        assert switch._process is not None
        switch._process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(switch._process.wait)
        assert not switch.alive()
        with pytest.raises(ConnectionRefused):
            await switch.connect()
        with pytest.raises(SwitchError, match="cannot connect"):
            await switch.identity()
        await switch.stop()

    asyncio.run(session())
