"""The container driver: without an engine, and with a real FreeSWITCH where
LOOPBACK_CONFORMANCE_IMAGE names an image that is on this host."""

import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from conformance.profile import Profile
from fixtures.event_socket import connect
from fixtures.switches import SwitchError, container_cdrs, open_switch, owner
from fixtures.switches.container import KEPT_LABEL, LABEL, ContainerSwitch
from fixtures.switches.container_files import ContainerFiles
from tests.switch_session import ANSWER, CHECKS, Open, place, run_check

IMAGE = os.environ.get("LOOPBACK_CONFORMANCE_IMAGE", "")

needs_image = pytest.mark.skipif(
    not IMAGE, reason="set LOOPBACK_CONFORMANCE_IMAGE to the name of an image with FreeSWITCH"
)


def ours(client: docker.DockerClient) -> list[Container]:
    return client.containers.list(all=True, filters={"label": f"{LABEL}={owner.own_mark()}"})


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    """The Docker engine, on which a test has to leave nothing of ours."""
    client = docker.from_env()
    yield client
    left = ours(client)
    for container in left:
        container.remove(force=True)
    client.close()
    assert not left


def starting_fails(url: str, **options: str) -> str:
    with pytest.raises(SwitchError) as caught:
        asyncio.run(open_switch(url, **options).start(Profile()))  # type: ignore[arg-type]
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    return said


def test_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    said = starting_fails("docker://some/image")
    assert said.startswith("no Docker engine answers: ")
    assert said.endswith("; start Docker, or set DOCKER_HOST to where it is")


@needs_image
@pytest.mark.usefixtures("engine")
def test_no_such_image() -> None:
    said = starting_fails("docker://loopback-test/no-such-image:0")
    assert said.startswith("image loopback-test/no-such-image:0 is not here and cannot be pulled: ")
    assert "; name another image, or `docker pull` it" in said


@needs_image
@pytest.mark.usefixtures("engine")
def test_no_freeswitch_in_the_image() -> None:
    said = starting_fails(f"docker://{IMAGE}", binary="no-such-program")
    assert "cannot be started: " in said
    assert "no-such-program" in said
    assert said.endswith("; the image needs a freeswitch program on its PATH, or its path be given")


@needs_image
@pytest.mark.usefixtures("engine")
def test_a_container_that_ends_at_its_start() -> None:
    said = starting_fails(f"docker://{IMAGE}", binary="/bin/cat")
    assert "ended at its start; its last words: " in said


@needs_image
@pytest.mark.usefixtures("engine")
def test_a_container_that_ends_before_its_port_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alive = ContainerSwitch.alive
    answers = chain([lambda _: True], repeat(alive))
    monkeypatch.setattr(ContainerSwitch, "alive", lambda switch: next(answers)(switch))
    said = starting_fails(f"docker://{IMAGE}", binary="/bin/cat")
    assert "ended at its start; its last words: " in said


@needs_image
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_freeswitch(check: Callable[[Open], object]) -> None:
    run_check(
        check,
        lambda modules: ContainerSwitch(f"docker://{IMAGE}", IMAGE, connect, modules=modules),
    )


@needs_image
def test_the_socket_is_open_to_this_host_alone_and_the_password_to_nobody(
    engine: docker.DockerClient,
) -> None:
    async def session() -> None:
        switch = open_switch(f"docker://{IMAGE}")
        assert isinstance(switch, ContainerSwitch)
        await switch.start(Profile())
        try:
            assert (await switch.identity()).image
            (container,) = ours(engine)
            published = container.ports["8021/tcp"] or []
            assert {address["HostIp"] for address in published} == {"127.0.0.1"}
            assert switch._password not in json.dumps(container.attrs)
            assert switch._password.encode() not in container.logs()
        finally:
            await switch.stop()

    asyncio.run(session())


@needs_image
def test_what_a_dead_run_left_is_removed(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    dead = f"{owner.own_mark().rsplit('/', 2)[0]}/{ended.pid}/1"
    labels = [{LABEL: dead}, {LABEL: dead, KEPT_LABEL: "true"}, {LABEL: "another-host/1/1"}]
    made = [engine.containers.create(IMAGE, "true", labels=label) for label in labels]
    copies = tmp_path / f"{owner.PREFIX}cdrs-1"
    copies.mkdir()
    (copies / owner.FILE).write_text(dead)

    async def session() -> None:
        switch = open_switch(f"docker://{IMAGE}")
        await switch.start(Profile())
        await switch.stop()

    try:
        asyncio.run(session())
        there = {container.id for container in engine.containers.list(all=True)}
        assert [container.id in there for container in made] == [False, True, True]
        assert not list(tmp_path.iterdir())
    finally:
        for container in made[1:]:
            container.remove(force=True)


@needs_image
def test_a_kept_container_does_not_hold_the_password(engine: docker.DockerClient) -> None:
    async def session() -> str:
        switch = open_switch(f"docker://{IMAGE}", keep=True)
        assert isinstance(switch, ContainerSwitch)
        await switch.start(Profile())
        await switch.stop()
        return switch._password

    password = asyncio.run(session())
    (kept,) = ours(engine)
    try:
        assert kept.status == "exited"
        stream, _ = kept.get_archive("/loopback-conformance")
        tree = b"".join(stream)
        assert b"freeswitch.xml" in tree
        assert password.encode() not in tree
    finally:
        kept.remove(force=True)


@needs_image
def test_cdrs_of_many_calls_are_all_found(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_cdrs, "_FULL", 8)
    monkeypatch.setattr(container_cdrs, "_INTERVAL", 0.05)
    monkeypatch.setattr(container_cdrs, "_GRACE", 0.2)

    async def session() -> None:
        switch = open_switch(f"docker://{IMAGE}")
        assert isinstance(switch, ContainerSwitch)
        await switch.start(Profile())
        try:
            await switch.write_dialplan("one", {"default": [ANSWER.format("1")]})
            connection = await switch.connect()
            await connection.api("reloadxml")
            await connection.subscribe(["CHANNEL_HANGUP_COMPLETE"])
            for number in range(10):
                uuid = f"call{number}"
                assert (await place(connection, uuid, "loopback/1/default")).startswith("+OK")
                await connection.api(f"uuid_kill {uuid}")
                legs = [str((await connection.next_event(10))["Unique-ID"]) for _ in range(2)]
                found = await asyncio.gather(*[switch.read_cdrs([leg]) for leg in legs])
                assert [set(cdrs[leg]) for cdrs, leg in zip(found, legs, strict=True)] == [
                    {"json_cdr", "xml_cdr", "cdr_csv"}
                ] * 2
            assert switch._cdrs is not None
            assert switch._cdrs._number > 2  # several directories were used
            (container,) = ours(engine)
            left = ContainerFiles(container).read("/loopback-conformance/cdr")
            assert not any(left.values())  # it was emptied; rows were opened anew
            await connection.close()
        finally:
            await switch.stop()

    asyncio.run(session())
