"""Many hosts in one call: which hosts are meant, and what becomes of bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import command, environment, failure, nova_domains, output
from tests.support.embedded import block, guest, make_host

NOWHERE = "qemu+unix:///system?socket=/nowhere"


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    """URIs of two embedded hosts, which share this machine's name."""
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    return (
        make_host(folders[0], guest(1, metadata=block("web")), guest(2)),
        make_host(folders[1], guest(3, metadata=block("db"))),
    )


@pytest.fixture
def template(two: tuple[str, str], tmp_path: Path) -> str:
    return f"test://{tmp_path}/%h/host.xml"


def usage(*arguments: str, stdin: str = "") -> str:
    """What is said of a usage that is refused."""
    done = subprocess.run(
        command(*arguments),
        env=environment(),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


# ---- which hosts are meant --------------------------------------------------------------------


def test_connect_is_given_several_times(two: tuple[str, str]) -> None:
    done = nova_domains("-c", two[0], "-c", two[1], "list", "-f", "value", "-c", "domain")
    assert done.stdout.split() == ["instance-00000001", "instance-00000002", "instance-00000003"]


def test_names_take_the_place_in_the_uri(template: str) -> None:
    done = nova_domains("-c", template, "--hosts", "a,b", "list", "-f", "value")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == 3
    # The test driver calls each host by the name of this machine.
    assert len({row[0] for row in rows}) == 2
    assert "another host is called" in done.stderr


def test_sets_add_up(template: str) -> None:
    lines = output("-c", template, "--hosts", "b", "--hosts", "a,b", "hosts", "-f", "value")
    assert len(lines.splitlines()) == 2


def test_names_from_a_file(template: str, tmp_path: Path) -> None:
    hostfile = tmp_path / "names"
    hostfile.write_text("# compute hosts\na\n\n  b  # the second\na\n")
    lines = output(
        "-c", template, "--hostfile", str(hostfile), "hosts", "-f", "value", "-c", "nova"
    )
    assert lines.split() == ["1", "1"]


def test_names_from_stdin(template: str) -> None:
    done = subprocess.run(
        command("-c", template, "--hosts", "-", "hosts", "-f", "json"),
        env=environment(),
        input="a\nb\n",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)) == 2


def test_a_group_of_clustershell(template: str, tmp_path: Path) -> None:
    (tmp_path / "clustershell").mkdir()
    (tmp_path / "clustershell" / "groups.conf").write_text(
        "[Main]\ndefault: mine\n[mine]\nmap: [ $GROUP = compute ] && echo a,b\n"
    )
    lines = output(
        "-c",
        template,
        "--hosts",
        "@compute",
        "hosts",
        "-f",
        "value",
        XDG_CONFIG_HOME=str(tmp_path),
    )
    assert len(lines.splitlines()) == 2


# ---- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hosts", "cmp-[1-", "list"], 'Error: --hosts: missing bracket: "cmp-[1-"'),
        (["--hosts", "cmp-[9-1]", "list"], "Error: --hosts: bad range: "),
        (["--hosts", "a!a", "list"], "Error: --hosts: 'a!a' is an empty set: it names no host"),
        (["--hosts", "", "list"], "Error: --hosts: '' is an empty set: it names no host"),
        (["-c", "qemu+ssh://%h/system", "list"], "%h takes names from --hosts"),
        (["-c", "a", "-c", "b", "--hosts", "c", "list"], "--hosts takes one -c, with %h"),
        (["-c", "qemu:///system", "--hosts", "c", "list"], "no %h for the names of --hosts"),
        (["--hosts", "c", "--demo", "list"], "--hosts and --demo exclude each other"),
        (["-c", "a", "--offline", "list"], "--connect and --offline exclude each other"),
        (["--hostfile", "f", "--files", "x", "list"], "--hostfile and --files exclude each other"),
        (["--demo", "--offline", "list"], "--demo and --offline exclude each other"),
        (["--hostfile", "/nowhere", "list"], "/nowhere: cannot read: No such file or directory"),
        (["--hostfile", "/dev/null", "list"], "/dev/null: neither a file nor a pipe"),
        (["--hosts", "-", "--hosts", "-", "list"], "stdin (-) can name the hosts only once"),
        (["--hosts", "-", "--hostfile", "-", "list"], "stdin (-) can name the hosts only once"),
        (["--hosts", "a", "--fanout", "0", "list"], "0 is not in the range x>=1"),
    ],
)
def test_what_names_no_hosts_is_a_wrong_usage(arguments: list[str], said: str) -> None:
    assert said in usage(*arguments)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n"])
def test_stdin_without_names(text: str) -> None:
    said = usage("--hosts", "-", "list", stdin=text)
    assert said.startswith("Error: --hosts: stdin names no host")
    said = usage("--hostfile", "-", "list", stdin=text)
    assert said.startswith("Error: --hostfile: stdin names no host")


def test_a_file_without_names(tmp_path: Path) -> None:
    path = tmp_path / "names"
    path.write_text("")
    assert f"Error: --hostfile: {path} names no host" in usage("--hostfile", str(path), "list")


@pytest.mark.parametrize(
    "name",
    [
        "a;reboot", "a b", "$(id)", "`id`", "a|b", "a/../b", "a?socket=/x", "a#b", "a%68",
        "-oProxyCommand=id", "a\tb", "a\\b", "a'b", 'a"b', "a&no_verify=1", "ü", "@a", "a@",
        "root@-oX",
        "a@b@c", "[a]", "fe80::1%eth0", "1:2", "host:22", "a\x1b[31m", "a\u202eb", "x" * 300,
    ],
)  # fmt: skip
def test_a_name_that_is_more_than_a_name_is_refused(name: str) -> None:
    """Nothing is connected to, not even to those beside it."""
    said = usage("--hosts", "-", "list", stdin=f"good\n{name}\n")
    assert said.startswith("Error: stdin: ")
    assert "is not the name of a host (a name is of letters, digits" in said
    assert all(character.isprintable() for character in said)


def test_a_hostfile_that_is_no_text_is_refused(tmp_path: Path) -> None:
    hostfile = tmp_path / "names"
    hostfile.write_bytes(b"\xff\xfe\x00a\x00\n")
    said = usage("--hostfile", str(hostfile), "list")
    assert r"'\xff\xfe\x00a\x00' is not the name of a host" in said


def test_a_user_is_named_once() -> None:
    said = usage("-c", "qemu+ssh://root@%h/system", "--hosts", "nova@a", "list")
    assert "'nova@a' names a user, and so does -c qemu+ssh://root@%h/system" in said


def test_stdin_is_read_once() -> None:
    assert "--hosts - and whose - cannot both" in usage(
        "--hosts", "-", "whose", "-", stdin="a\nb\n"
    )
    said = usage("--hosts", "-", "check", "--against", "-", stdin="a\nb\n")
    assert "--hosts - and --against - cannot both" in said


@pytest.mark.parametrize("command", ["stamp", "undo"])
def test_commands_that_write_stay_with_one_host(command: str) -> None:
    said = usage("-c", NOWHERE, "-c", f"{NOWHERE}2", command)
    assert f"{command} writes to one host at a time, not to 2" in said
    assert "ansible HOSTS -b -m command" in said


def test_without_clustershell_hosts_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "ClusterShell.py").write_text("raise ImportError\n")
    path = f"{tmp_path}:{environment()['PYTHONPATH']}"
    done = nova_domains("--hosts", "a", "list", PYTHONPATH=path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "Error: --hosts needs ClusterShell (pip install 'nova-domains[fleet]', or the package "
        "python3-clustershell)"
    )


def test_several_uris_and_a_hostfile_do_without_clustershell(
    template: str, two: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "ClusterShell.py").write_text("raise ImportError\n")
    path = f"{tmp_path}:{environment()['PYTHONPATH']}"
    (tmp_path / "names").write_text("a\nb\nnowhere-1\nnowhere-2\n")
    done = nova_domains(
        "-c",
        template,
        "--hostfile",
        str(tmp_path / "names"),
        "list",
        "-f",
        "value",
        PYTHONPATH=path,
    )
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 3
    done = nova_domains("-c", two[0], "-c", two[1], "-c", NOWHERE, "list", PYTHONPATH=path)
    assert done.returncode == 1
    assert f"1 of 3 hosts was not read: {NOWHERE}: the libvirt daemon is not running" in done.stderr


# ---- some hosts fail --------------------------------------------------------------------------


def test_the_others_are_shown(two: tuple[str, str]) -> None:
    done = nova_domains("-c", two[0], "-c", NOWHERE, "list", "-f", "value", "-c", "name")
    assert done.returncode == 1
    assert done.stdout.split() == ["web", "-"]
    assert done.stderr.startswith("nova-domains: warning: 1 of 2 hosts was not read: ")


def test_all_that_fail_are_one_error() -> None:
    said = failure("-c", NOWHERE, "-c", f"{NOWHERE}2", "list", code=3)
    assert "none of 2 hosts was read: " in said


def test_hosts_are_called_what_they_were_given_as_whatever_the_uri_looks_like(
    two: tuple[str, str], template: str
) -> None:
    arguments = ("-c", template, "--hosts", "a,n1,n2", "hosts", "-f", "json")
    done = nova_domains(*arguments)
    assert done.returncode == 1
    failed = [host["host"] for host in json.loads(done.stdout) if host["error"]]
    assert failed == ["n1", "n2"]
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("nova-domains: ")]
    assert said.startswith("nova-domains: warning: 2 of 3 hosts were not read: n[1-2]: ")


def test_hosts_and_list_say_the_same_of_hosts_that_all_fail(template: str) -> None:
    said = []
    for command_ in ("list", "hosts"):
        done = nova_domains("-c", template, "--hosts", "n1,n2", command_)
        assert done.returncode == 3
        (line,) = [line for line in done.stderr.splitlines() if "none of 2 hosts" in line]
        said.append(line.partition(": none of ")[2])
    assert said[0] == said[1]
    assert said[0].startswith("2 hosts was read: n[1-2]: ")


def test_a_uri_that_is_given_twice_is_read_once(two: tuple[str, str]) -> None:
    done = nova_domains("-c", two[1], "-c", two[1], "list", "-f", "value", "-c", "name")
    assert (done.returncode, done.stdout) == (0, "db\n")
    assert done.stderr == f"nova-domains: warning: {two[1]} is given more than once: read once\n"


def test_findings_are_graver_than_a_missing_host(two: tuple[str, str]) -> None:
    done = nova_domains("-c", two[0], "-c", NOWHERE, "check")
    assert done.returncode == 4
    assert "1 of 2 hosts was not read" in done.stderr


# ---- hosts ------------------------------------------------------------------------------------


def test_hosts_counts_the_guests_by_kind(two: tuple[str, str]) -> None:
    (host,) = json.loads(output("-c", two[0], "hosts", "-f", "json"))
    assert host["source"] == two[0]
    assert host["guests"] == {"nova": 1, "nova-unstamped": 0, "foreign": 1, "unreadable": 0}
    assert host["libvirt"].count(".") == 2
    assert host["error"] is None
    assert host["age_seconds"] == 0


def test_hosts_shows_what_failed(two: tuple[str, str]) -> None:
    done = nova_domains("-c", two[0], "-c", NOWHERE, "hosts", "-f", "json")
    assert done.returncode == 1
    _, failed = sorted(json.loads(done.stdout), key=lambda host: bool(host["error"]))
    assert failed["source"] == NOWHERE
    assert failed["error"].startswith("the libvirt daemon is not running")
    assert failed["guests"] is failed["read_at"] is failed["age_seconds"] is None


def test_hosts_of_one_that_cannot_be_reached() -> None:
    done = nova_domains("-c", NOWHERE, "hosts", "-f", "value", "-c", "source")
    assert (done.returncode, done.stdout) == (3, f"{NOWHERE}\n")
    assert done.stderr.startswith(f"nova-domains: warning: {NOWHERE}: the libvirt daemon")


def test_hosts_of_the_example_host() -> None:
    row = output("--demo", "hosts", "-f", "value", "-c", "nova", "-c", "unstamped", "-c", "foreign")
    assert row == "7\t1\t3\n"


def test_hosts_of_files_are_as_old_as_these(two: tuple[str, str], tmp_path: Path) -> None:
    documents = json.loads(output("-c", two[0], "list", "-f", "json"))
    for document in documents:
        document.update(host="elsewhere", read_at="2023-11-14T22:13:20Z")
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(documents))
    (host,) = json.loads(nova_domains("--files", str(saved), "hosts", "-f", "json").stdout)
    assert host["source"] == str(saved)
    assert host["read_at"] == "2023-11-14T22:13:20Z"
    assert host["age_seconds"] > 86400
    assert host["libvirt"] is None


def test_a_document_of_several_hosts_is_a_line_each(two: tuple[str, str], tmp_path: Path) -> None:
    documents = json.loads(output("-c", two[0], "list", "-f", "json"))
    documents[0]["host"] = "elsewhere"
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(documents))
    done = nova_domains("--files", str(saved), "hosts", "-f", "value", "-c", "host", "-c", "guests")
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == ["1", "1"]
    assert done.stdout.startswith("elsewhere\t")
    # What the file says of itself is said once.
    assert done.stderr.count("read from") == 1


@pytest.mark.parametrize("format_", ["table", "json", "yaml", "csv", "value"])
def test_hosts_in_every_format(format_: str, two: tuple[str, str]) -> None:
    assert "test://" in output("-c", two[0], "-c", two[1], "hosts", "-f", format_)


def test_hosts_are_sorted_as_asked(two: tuple[str, str]) -> None:
    both = ("-c", two[0], "-c", two[1], "hosts", "-f", "value", "-c", "Guests")
    assert output(*both, "--sort-column", "guests").split() == ["1", "2"]
    descending = ("--sort-column", "guests", "--sort-descending")
    assert output(*both, *descending).split() == ["2", "1"]
    assert "no column 'nonsense'; there are: host, source" in usage(*both, "-c", "nonsense")


def test_one_host_alone_loads_nothing_of_a_fleet() -> None:
    program = (
        "import sys; sys.argv[1:] = ['--demo', 'list', '-f', 'value']\n"
        "from virsh_nova.cli import run\n"
        "run(sys.argv[1:])\n"
        "print(sorted(name for name in sys.modules if name.endswith(('.fleet', '.nodes', '.many'))"
        " or name.startswith('ClusterShell')), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[]\n"


def test_a_uri_that_libvirt_cannot_parse_is_shown_as_it_was_typed() -> None:
    done = nova_domains("-c", "qemu+ssh://%h:x/system", "--hosts", "a", "list")
    assert done.returncode == 3
    assert done.stderr.startswith("nova-domains: error: qemu+ssh://a:x/system: cannot connect: ")
    assert "Unable to parse URI\n" in done.stderr
    assert "no_tty" not in done.stderr
