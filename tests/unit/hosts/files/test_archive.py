"""Reports in archives, from anybody: nothing is unpacked to the disk, and all is bounded."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.archives import REPORT, archive, domain, odd_archive, real_files, status
from tests.support.embedded import uuid_of
from virsh_nova.hosts.files import archive as archives
from virsh_nova.hosts.files import compressed
from virsh_nova.hosts.files.archive import search_archive
from virsh_nova.hosts.files.assemble import Assembled, HostName, assemble, host_name
from virsh_nova.hosts.files.layout import LARGEST_XML, Search

ETC = f"{REPORT}/etc/libvirt/qemu"
XML = domain("a", uuid_of(1)).encode()
REAL = real_files()


def searched(data: bytes) -> Search:
    return search_archive(io.BytesIO(data), "r.tar")


def assembled(search: Search) -> Assembled:
    return assemble(search, HostName("h"))


def names(search: Search) -> list[str]:
    return sorted(guest.sighting.domain for guest in assembled(search).guests)


def member(name: str, size: int = len(XML), kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info


@pytest.mark.parametrize("mode", ["w", "w:xz", "w:gz", "w:bz2"])
@pytest.mark.parametrize("folder", [f"{REPORT}/", f"./{REPORT}/", "", "./"])
def test_a_real_report_reads_the_same_in_every_packing(mode: str, folder: str) -> None:
    search = searched(archive({**REAL, "etc/hostname": "lab\n"}, mode=mode, folder=folder))
    assert (search.faults, search.complete) == ((), True)
    assert names(search) == [f"nova-lab-0000000{number}" for number in (2, 6, 7)]
    assert host_name(search) == HostName("lab")
    assert all(guest.guest("whole").pid for guest in assembled(search).guests)


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_are_read_in_every_tar_format(format_: int) -> None:
    packed = io.BytesIO()
    name = "n" * 90
    folder = "sosreport-" + "x" * 80
    with tarfile.open(fileobj=packed, mode="w", format=format_) as tar:
        tar.addfile(member(f"{folder}/etc/libvirt/qemu/{name}.xml"), io.BytesIO(XML))
        if format_ == tarfile.PAX_FORMAT:
            info = member(f"{folder}/etc/libvirt/qemu/ü.xml")
            info.pax_headers = {"comment": "x" * 2000, "mtime": "1790000000.5"}
            other = domain("b", uuid_of(2)).encode()
            info.size = len(other)
            tar.addfile(info, io.BytesIO(other))
    search = searched(packed.getvalue())
    assert search.complete
    assert search.found[0].path == f"r.tar: {folder}/etc/libvirt/qemu/{name}.xml"
    assert names(search) == (["a", "b"] if format_ == tarfile.PAX_FORMAT else ["a"])


def test_the_rest_of_a_report_is_skipped() -> None:
    files = {"var/log/messages": b"x" * 3_000_000, **REAL, "etc/libvirt/qemu/networks/n.xml": XML}
    assert len(searched(archive(files)).found) == len(REAL)


@pytest.mark.parametrize(
    "name",
    [
        f"/{ETC}/a.xml",
        "/etc/libvirt/qemu/a.xml",
        f"{REPORT}/../etc/libvirt/qemu/a.xml",
        "../etc/libvirt/qemu/a.xml",
        f"{ETC}/../a.xml",
        f"{ETC}/a.xml/",
        f"{ETC}/sub/a.xml",
        f"x/{ETC}/a.xml",
    ],
)
def test_paths_outside_a_report_are_skipped(name: str) -> None:
    search = searched(odd_archive((member(name), XML)))
    assert not search.found
    assert search.complete


@pytest.mark.parametrize(
    "kind",
    [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE,
     tarfile.DIRTYPE, b"S", b"V", b"Z"],
)  # fmt: skip
def test_only_regular_members_are_read(kind: bytes) -> None:
    info = member(f"{ETC}/a.xml", 0, kind)
    info.linkname = "/etc/passwd"
    search = searched(odd_archive((info, b""), (member(f"{ETC}/b.xml"), XML)))
    assert [file.path for file in search.found] == [f"r.tar: {ETC}/b.xml"]


def test_a_member_that_is_too_large_is_a_fault() -> None:
    large = LARGEST_XML + 1
    search = searched(
        odd_archive((member(f"{ETC}/big.xml", large), b" " * large), (member(f"{ETC}/a.xml"), XML))
    )
    assert names(search) == ["a"]
    assert search.faults == (f"r.tar: {ETC}/big.xml: is larger than 4 MiB; not read",)


@pytest.mark.parametrize("size", [2**33, 2**62, 8**11 - 1])
def test_a_size_that_is_a_lie_makes_the_report_incomplete(size: int) -> None:
    honest = odd_archive((member(f"{ETC}/a.xml"), XML))[:1024]
    liar = member(f"{ETC}/b.xml", size).tobuf(tarfile.GNU_FORMAT)
    search = searched(honest + liar + b"x" * 512)
    assert not search.complete
    assert len(search.found) <= 1


def test_a_decompression_bomb_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "LARGEST", 2**24)
    info = member(f"{REPORT}/var/log/zeros", 2**26)
    data = odd_archive((member(f"{ETC}/a.xml"), XML))[: 512 * 2] + info.tobuf() + bytes(2**26)
    for packed in (lzma.compress(data, preset=0), gzip.compress(data, 1)):
        search = searched(packed)
        assert names(search) == ["a"]
        assert not search.complete
        assert "come out of it" in search.faults[0]


def test_an_archive_that_needs_too_much_memory_is_refused() -> None:
    dictionary = {"id": lzma.FILTER_LZMA2, "dict_size": 2**20}
    data = bytearray(lzma.compress(archive(REAL, mode="w"), filters=[dictionary]))
    # The size of the dictionary is in the header of the block; 40 means 4 GiB.
    place = data.index(b"\x21\x01", 12) + 2
    data[place] = 40
    end = 12 + (data[12] + 1) * 4
    data[end - 4 : end] = zlib.crc32(data[12 : end - 4]).to_bytes(4, "little")
    search = searched(bytes(data))
    assert not search.complete
    assert "emory" in search.faults[0]


def test_totals_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    search = searched(archive(REAL))
    assert (len(search.found), search.complete) == (2, False)
    monkeypatch.setattr(archives, "MOST_FILES", 100)
    monkeypatch.setattr(archives, "LARGEST_TOTAL", 10_000)
    assert not searched(archive(REAL)).complete


@pytest.mark.parametrize("mode", ["w", "w:xz", "w:gz", "w:bz2"])
def test_an_archive_cut_off_anywhere_is_read_up_to_there(mode: str) -> None:
    data = archive(REAL, mode=mode)
    whole = len(searched(data).found)
    most = 0
    for part in range(0, 100, 3):
        search = searched(data[: len(data) * part // 100])
        assert search.complete is False or mode == "w"
        most = max(most, len(search.found))
        if not search.complete:
            assert "cannot be read to its end" in search.faults[-1]
    # xz and bzip2 give out whole blocks, and this report is smaller than one of bzip2.
    assert most >= (0 if mode == "w:bz2" else whole // 2)


def test_states_are_unknown_where_a_report_is_cut_off() -> None:
    # The live files may come after the cut.
    files = {"etc/libvirt/qemu/a.xml": XML, "run/libvirt/qemu/b.xml": status(
        domain("b", uuid_of(2), id=1)), "var/log/x": b"x" * 5000}  # fmt: skip
    data = archive(files, mode="w")
    told = assembled(searched(data))
    assert {one.sighting.domain: one.sighting.state for one in told.guests} == {
        "a": "shutoff", "b": "running",
    }  # fmt: skip
    told = assembled(searched(data[:4000]))
    assert {one.sighting.domain: one.sighting.state for one in told.guests}["a"] == "unknown"


def test_several_compressed_streams_in_a_row_are_read_as_one() -> None:
    data = archive(REAL, mode="w")
    for compress in (lzma.compress, gzip.compress):
        parts = (data[at : at + 9000] for at in range(0, len(data), 9000))
        search = searched(b"".join(map(compress, parts)))
        assert (len(search.found), search.complete) == (len(REAL), True)


@given(
    st.sampled_from(("w", "w:xz", "w:gz", "w:bz2")),
    st.lists(st.tuples(st.integers(0, 2**20), st.binary(min_size=1, max_size=20)), max_size=4),
    st.integers(0, 2**20),
)
def test_damage_anywhere_never_raises(mode: str, wounds: list[tuple[int, bytes]], end: int) -> None:
    data = PACKED[mode]
    for place, what in wounds:
        at = place % len(data)
        data = data[:at] + what + data[at + len(what) :]
    if end % 2:
        data = data[: end % len(data)]
    search = searched(data)
    for files in assemble(search, host_name(search)).guests:
        files.guest("whole")
    assert sum(len(file.data) for file in search.found) < 2**20


@given(st.binary(max_size=3000))
def test_any_bytes_never_raise(data: bytes) -> None:
    for begin in (b"", compressed.XZ, compressed.GZIP + b"\x08", compressed.BZIP2):
        assembled(searched(begin + data))


SMALL = {
    "etc/libvirt/qemu/a.xml": XML,
    "run/libvirt/qemu/b.xml": status(domain("b", uuid_of(2), id=1)),
    "sos_commands/virsh/virsh_-r_list_--all": " 1  b  running\n -  a  shut off\n",
    "etc/hostname": "h\n",
    "p" * 120: "a long name",
}
PACKED = {mode: archive(SMALL, mode=mode) for mode in ("w", "w:xz", "w:gz", "w:bz2")}
