"""When the host, the reader or the user cuts it short: one line, the right exit code, no trace."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.command import command, environment, failure, nova_domains, the_error
from tests.support.embedded import block, guest, make_host, uuid_of
from tests.support.terminals import on_terminal


@pytest.fixture
def silent_daemon(tmp_path: Path) -> Iterator[tuple[str, threading.Event]]:
    """A socket that takes every connection and never says a word, as a stopped libvirtd does."""
    path = tmp_path / "libvirt-sock"
    asked = threading.Event()
    connections = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connections.append(listening.accept()[0])
                    asked.set()

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"qemu+unix:///system?socket={path}", asked
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in connections:
        connection.close()


# ---- the host ---------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["list"], ["list", "-f", "json"], ["show", "x"]])
def test_a_daemon_that_stays_silent_times_out(
    silent_daemon: tuple[str, threading.Event], arguments: list[str]
) -> None:
    uri, _ = silent_daemon
    line = failure("-c", uri, "--timeout", "0.5", *arguments, code=3)
    assert "does not answer within 0.5 s" in line
    assert "--timeout" in line


def test_while_a_daemon_stays_silent_a_terminal_shows_progress(
    silent_daemon: tuple[str, threading.Event],
) -> None:
    uri, _ = silent_daemon
    code, said = on_terminal("-c", uri, "--timeout", "2", "list", TERM="xterm-256color")
    assert code == 3
    assert said.index("Reading guests") < said.index("does not answer within 2 s")


def test_completion_times_out_on_a_silent_daemon_too(
    silent_daemon: tuple[str, threading.Event],
) -> None:
    uri, _ = silent_daemon
    done = nova_domains(
        _NOVA_DOMAINS_COMPLETE="bash_complete",
        COMP_WORDS=f"nova-domains --timeout 0.2 -c {uri} show x",
        COMP_CWORD="6",
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_a_daemon_that_is_not_running_gets_a_hint_on_how_to_start_it(tmp_path: Path) -> None:
    line = failure("-c", f"qemu+unix:///system?socket={tmp_path}/none", "list", code=3)
    assert "not running" in line
    assert "start" in line


def test_a_socket_without_a_listener_is_a_daemon_that_is_not_running(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "sock"))
    assert "not running" in failure(
        "-c", f"qemu+unix:///system?socket={tmp_path}/sock", "list", code=3
    )


def test_a_daemon_that_hangs_up_is_an_error_in_one_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "sock"))
        listening.listen()

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            failure("-c", f"qemu+unix:///system?socket={tmp_path}/sock", "list", code=3)
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("uri", ["nonsense:///", "nonsense", "qemu", "://", "qemu+smoke:///system"])
def test_a_uri_that_libvirt_does_not_know_gets_its_words_and_an_example(uri: str) -> None:
    line = failure("-c", uri, "list", code=3)
    assert uri in line
    assert "qemu:///system" in line or "check the URI" in line


@pytest.mark.parametrize("description", [None, "", "<node>", "<domain/>"])
def test_a_host_description_that_is_not_one_is_an_error(
    tmp_path: Path, description: str | None
) -> None:
    if description is not None:
        (tmp_path / "host.xml").write_text(description)
    done = nova_domains("-c", f"test://{tmp_path}/host.xml", "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Traceback" not in done.stderr
    # libxml2 may print lines of its own before it.
    assert "\nnova-domains: error: test:///" in f"\n{done.stderr}"


def test_a_socket_that_this_user_may_not_open_gets_a_hint_on_the_group(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(locked / "sock"))
        listening.listen()
        locked.chmod(0)
        # Root may go everywhere, unless it gives that up.
        give_up = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"]
        done = subprocess.run(
            [
                *(give_up if os.geteuid() == 0 else []),
                *command("-c", f"qemu+unix:///system?socket={locked}/sock", "list"),
            ],
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        locked.chmod(0o700)
    assert done.returncode == 3
    line = the_error(done.stderr)
    assert "no permission" in line
    assert "group libvirt" in line


def test_a_hostile_uri_is_escaped() -> None:
    assert r"\x1b[2J" in failure("-c", "x\x1b[2J:///", "list", code=3)


# ---- the reader -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Guests enough to fill a pipe several times."""
    wordy = "w" * 255
    return make_host(
        tmp_path_factory.mktemp("crowd"),
        *(guest(number, metadata=block(f"{wordy[:240]}-{number}")) for number in range(1, 800)),
    )


@pytest.mark.parametrize("format_", ["table", "json", "value", "csv"])
def test_a_reader_that_closes_the_pipe_ends_it_quietly(crowd: str, format_: str) -> None:
    with subprocess.Popen(
        command("-c", crowd, "list", "-f", format_),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert said == b""
    assert process.returncode == 0


def on_a_full_disk(*arguments: str) -> subprocess.CompletedProcess[str]:
    with open("/dev/full", "w") as full:
        return subprocess.run(
            command(*arguments),
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=60,
            check=False,
        )


@pytest.mark.parametrize("arguments", [["list"], ["list", "-f", "json"], ["--help"], ["--version"]])
def test_a_full_disk_is_one_line_and_exit_1(crowd: str, arguments: list[str]) -> None:
    done = on_a_full_disk("-c", crowd, *arguments)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line == "nova-domains: error: the output cannot be written: No space left on device"


def test_a_small_output_to_a_full_disk_fails_as_well(tmp_path: Path) -> None:
    uri = make_host(tmp_path, guest(1))
    done = on_a_full_disk("-c", uri, "show", "instance-00000001")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_stream_that_is_closed_is_no_crash(tmp_path: Path, closed: int) -> None:
    uri = make_host(tmp_path, guest(1))
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *command("-c", uri, "list")],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Fatal" not in done.stderr
    assert done.returncode == (1 if closed == 1 else 0)


# ---- the user ---------------------------------------------------------------------------------


def test_ctrl_c_exits_with_130_and_no_traceback(silent_daemon: tuple[str, threading.Event]) -> None:
    uri, asked = silent_daemon
    with subprocess.Popen(
        command("-c", uri, "--timeout", "50", "list"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        output, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert output == b""
    assert b"Traceback" not in said


# ---- stderr -----------------------------------------------------------------------------------


def test_a_stderr_that_is_full_costs_neither_the_list_nor_the_exit_code(tmp_path: Path) -> None:
    damaged = block(inner="<nova:flavor><nova:memory>much</nova:memory></nova:flavor>")
    uri = make_host(tmp_path, guest(1, metadata=damaged))
    with open("/dev/full", "w") as full:
        listed = subprocess.run(
            command("-c", uri, "list", "-f", "value", "-c", "uuid"),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=full,
            timeout=60,
        )
        unknown = subprocess.run(
            command("-c", "foo:///x", "list"), env=environment(), stderr=full, timeout=60
        )
        misused = subprocess.run(command("--bogus"), env=environment(), stderr=full, timeout=60)
    assert (listed.returncode, listed.stdout.decode()) == (0, f"{uuid_of(1)}\n")
    assert (unknown.returncode, misused.returncode) == (3, 2)


def test_what_was_typed_is_escaped_on_the_terminal() -> None:
    code, said = on_terminal("--demo", "list", "ex\x1b[31mtra\u202e", TERM="xterm-256color")
    assert code == 2
    assert "\x1b[31m" not in said
    assert "\u202e" not in said


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["list", "a\x1b[31mb"], r"a\x1b[31mb"),
        (["--hosts", "a\x1b[31mb", "list"], r"a\x1b[31mb"),
        (["--hostfile", "/no\x1b[31m", "list"], r"/no\x1b[31m: cannot read"),
        (["--timeout", "\x1b[31m1", "list"], r"\x1b[31m1"),
        (["list", "-f", "\x1b[31m"], r"\x1b[31m"),
        (["--\x1b[31m", "list"], r"--\x1b[31m"),
        (["\x1b[31m"], r"\x1b[31m"),
        (["list", "a\nError: b"], r"a\nError: b"),
    ],
)
def test_what_was_typed_is_escaped_in_a_pipe_and_not_dropped(
    arguments: list[str], shown: str
) -> None:
    done = nova_domains(*arguments)
    assert done.returncode == 2
    assert shown in done.stderr.splitlines()[-1]


def test_a_timeout_that_is_not_a_number_is_wrong_usage() -> None:
    done = nova_domains("--timeout", "nan", "list")
    assert done.returncode == 2
    assert done.stderr.endswith("Invalid value for '--timeout': nan is not a time\n")


@pytest.mark.parametrize("variable", [False, True], ids=["as an option", "as a variable"])
def test_a_uri_that_is_not_utf8_is_reported(variable: bool) -> None:
    uri = "test:///\udcff"
    arguments = ["list"] if variable else ["-c", uri, "list"]
    changes = {"LIBVIRT_DEFAULT_URI": uri} if variable else {}
    assert "it is not UTF-8" in failure(*arguments, code=3, **changes)


# ---- --debug ----------------------------------------------------------------------------------


def test_debug_prints_each_call_to_libvirt_and_how_long_it_took(tmp_path: Path) -> None:
    uri = make_host(tmp_path, guest(1))
    done = nova_domains("--debug", "-c", uri, "list", "-f", "value", "-c", "uuid")
    assert (done.returncode, done.stdout) == (0, f"{uuid_of(1)}\n")
    lines = done.stderr.splitlines()
    for asked in (f"open {uri}", "virConnectGetAllDomainStats", "read the block of instance-"):
        (line,) = [one for one in lines if one.startswith(f"nova-domains: debug: {asked}")]
        assert re.search(r": answered after \d+\.\d ms$", line)
    failed = nova_domains("--debug", "-c", f"test://{tmp_path}/none", "list")
    assert ": failed after " in failed.stderr
    assert "Traceback" in failed.stderr
