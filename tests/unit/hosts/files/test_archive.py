"""Reports in archives, from anybody: nothing is unpacked to the disk, and all is bounded."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.archives import REPORT, archive, domain, odd_archive, real_files, status
from tests.support.embedded import uuid_of
from virsh_nova.hosts.files import archive as archives
from virsh_nova.hosts.files import compressed
from virsh_nova.hosts.files.archive import looks_like_tar, search_archive
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


def pax(kind: bytes, records: bytes, size: int | None = None) -> bytes:
    """An extended header, as blocks; ``size`` is what it claims, if not the truth."""
    return headed(member("pax", len(records) if size is None else size, kind), records)


def record_of(key: str, value: bytes) -> bytes:
    rest = b" " + key.encode() + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length += 1
    return str(length).encode() + rest


def headed(info: tarfile.TarInfo, data: bytes) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)


def with_number(block: bytes, at: int, number: bytes) -> bytes:
    """A header with another number in it, and a checksum that fits."""
    changed = bytearray(block)
    changed[at : at + len(number)] = number
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed)
    return bytes(changed)


FIRST = headed(member(f"{ETC}/a.xml"), XML)
SECOND = headed(member(f"{ETC}/b.xml"), XML)
END = bytes(1024)


def assert_damaged_after_first(data: bytes, why: str = "it is damaged") -> None:
    search = searched(FIRST + data)
    assert [file.path for file in search.found] == [f"r.tar: {ETC}/a.xml"]
    assert (search.complete, search.runs_known) == (False, False)
    assert search.faults == (
        f"r.tar: cannot be read to its end: {why}; the part before that was read",
    )


@pytest.mark.parametrize("kind", [b"x", b"g", b"X", b"L", b"K"])
@pytest.mark.parametrize("size", [2**16 + 1, 2**30, 2**33, 2**70])
def test_a_header_that_claims_to_be_huge_is_not_read(kind: bytes, size: int) -> None:
    tracemalloc.start()
    try:
        assert_damaged_after_first(
            pax(kind, b"", size) + bytes(2**22), "a header is larger than any"
        )
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [b"x", b"g", b"L"])
def test_headers_without_end_are_not_followed(kind: bytes) -> None:
    assert_damaged_after_first(pax(kind, b"") * 10_000 + SECOND, "a header is larger than any")


def test_global_headers_do_not_pile_up() -> None:
    headers = (
        pax(b"g", b"".join(record_of(f"key{number}.{n}", b"v") for n in range(50)))
        + headed(member(f"other{number}"), XML)
        for number in range(10)
    )
    assert_damaged_after_first(b"".join(headers) + SECOND + END)


def test_a_global_comment_changes_nothing() -> None:
    search = searched(pax(b"g", record_of("comment", b"x" * 40)) + FIRST + SECOND + END)
    assert (len(search.found), search.faults) == (2, ())


@pytest.mark.parametrize("at", [0, 100, 124, 148, 156, 300, 511])
def test_a_damaged_header_in_the_middle_is_named(at: int) -> None:
    block = SECOND[:at] + b"\x07" + SECOND[at + 1 :]
    assert_damaged_after_first(block + END)
    assert_damaged_after_first(pax(b"x", record_of("path", b"p")) + block + END)


@pytest.mark.parametrize("left", [0, 1, 511])
def test_an_archive_without_its_end_is_cut_off(left: int) -> None:
    assert_damaged_after_first(SECOND[:left], "it is cut off")


@pytest.mark.parametrize("after", [SECOND + END, END + SECOND, END * 9 + FIRST + END, b"x" * 512])
def test_what_follows_the_end_is_not_silently_dropped(after: bytes) -> None:
    assert_damaged_after_first(bytes(512) + after, "more follows the block that ends it")


def test_zeros_after_the_end_are_padding() -> None:
    assert searched(FIRST + bytes(2**20)).faults == ()


@pytest.mark.parametrize("kind", [b"0", b"x", b"g", b"L", b"S", b"Z"])
def test_negative_sizes(kind: bytes) -> None:
    for number in (b"\xff" * 10 + b"\0\0", b"\xff" + bytes(11), b"-0000001777\0"):
        block = member("other", 0, kind).tobuf(tarfile.GNU_FORMAT)
        search = searched(FIRST + with_number(block, 124, number) + SECOND + END)
        assert [file.path for file in search.found] == [f"r.tar: {ETC}/a.xml"]
        assert not search.complete
    # Some versions of tarfile round a header's -1 up to no block at all.
    block = with_number(member("other", 0, kind).tobuf(tarfile.GNU_FORMAT), 124, b"\xff" * 12)
    search = searched(FIRST + block + SECOND + END)
    assert len(search.found) == (2 if search.complete and kind != b"L" else 1)


def test_a_size_in_base_256() -> None:
    number = b"\x80" + len(XML).to_bytes(11, "big")
    search = searched(with_number(FIRST[:512], 124, number) + FIRST[512:] + SECOND + END)
    assert (len(search.found), search.faults) == (2, ())


@pytest.mark.parametrize("size", [b"-1", b"-512", b"-99999", b"nonsense", b"9" * 500])
def test_sizes_in_pax_records_that_are_none(size: bytes) -> None:
    search = searched(FIRST + pax(b"x", record_of("size", size)) + SECOND + END)
    assert [file.path for file in search.found][:1] == [f"r.tar: {ETC}/a.xml"]
    assert not search.complete


@pytest.mark.parametrize(
    "records",
    [
        b"rubbish\n",
        b"12 path=a",
        b"0 path=a\n",
        b"9999 path=a\n",
        b"7 path=a\n",
        b"-9 path=a\n",
        record_of("path", b"p")[:-1] + b"x",
        record_of("path", b"p") + b"rubbish",
        b"9" * 5000 + b" path=a\n",
        record_of("comment", b"9" * 60_000),
        record_of("GNU.sparse.map", b"rubbish"),
        record_of("GNU.sparse.size", b"rubbish"),
        record_of("GNU.sparse.major", b"1") + record_of("GNU.sparse.minor", b"0"),
    ],
)
def test_damaged_pax_records_are_named(records: bytes) -> None:
    started = time.process_time()
    assert_damaged_after_first(pax(b"x", records) + SECOND + END)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "records",
    [
        record_of("GNU.sparse.map", b"500,100"),
        record_of("GNU.sparse.map", b"100,1,5,1"),
        record_of("GNU.sparse.size", b"100") + record_of("GNU.sparse.offset", b"70"),
    ],
)
def test_sparse_files_are_skipped(records: bytes) -> None:
    search = searched(pax(b"x", records) + FIRST + SECOND + END)
    assert [file.path for file in search.found] == [f"r.tar: {ETC}/b.xml"]
    assert search.complete


def test_a_sparse_file_of_gnu_is_skipped_with_its_maps() -> None:
    block = member(f"{ETC}/a.xml", 512, tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT)
    sparse = with_number(block, 482, b"\1") + b"x" * 156 + bytes(348) + b"\0" + bytes(7)
    search = searched(sparse + XML.ljust(512) + SECOND + END)
    assert not [file for file in search.found if file.path.endswith("a.xml")]
    sparse = with_number(block, 482, b"\1") + (b"%011o\0" % 7) * 42 + bytes(8)
    search = searched(sparse + XML.ljust(512) + SECOND + END)
    assert [file.path for file in search.found] == [f"r.tar: {ETC}/b.xml"]
    assert search.complete


@pytest.mark.parametrize("content", [b"x", b"g", b"L"])
def test_the_content_of_a_member_is_never_taken_for_a_header(content: bytes) -> None:
    data = (XML.ljust(156) + content * 4).ljust(512)
    search = searched(headed(member(f"{ETC}/a.xml", 512), data) + SECOND + END)
    assert (len(search.found), search.faults) == (2, ())
    long = f"{REPORT}/{'x' * 180}/{'g' * 200}".encode()
    search = searched(pax(b"L", long + b"\0") + FIRST + SECOND + END)
    assert (len(search.found), search.faults) == (1, ())


def test_names_that_are_not_utf8() -> None:
    name = f"{ETC}/".encode() + b"\xff\xed\xa0\x80.xml"
    for header in (pax(b"x", record_of("path", name)), pax(b"L", name)):
        (found,) = searched(header + FIRST + END).found
        assert found.path.endswith(".xml")
        found.path.encode()


def test_the_size_of_a_link_is_not_skipped() -> None:
    for kind in (tarfile.LNKTYPE, tarfile.SYMTYPE):
        link = member(f"{ETC}/a.xml", 5000, kind).tobuf(tarfile.GNU_FORMAT)
        search = searched(link + SECOND + END)
        assert [file.path for file in search.found] == [f"r.tar: {ETC}/b.xml"]
        assert search.complete


def test_members_that_were_read_take_no_memory() -> None:
    data = headed(member("other"), XML) * 5000 + END
    tracemalloc.start()
    try:
        assert searched(data).complete
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


def test_a_plain_archive_is_told_from_other_files() -> None:
    assert looks_like_tar(FIRST)
    for other in (b"", FIRST[:511], bytes(512), b"x" * 512, XML.ljust(512)):
        assert not looks_like_tar(other)


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
