"""Text that is neither JSON nor YAML is refused in one line that says why and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.records import complaint
from virsh_nova.errors import NovaDomainsError
from virsh_nova.sources.read import read_records


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"id": "x"', "f: is not valid JSON: it is cut short"),
        ('{"servers": [', "f: is not valid JSON: it is cut short"),
        ('[{"id": "x",}]', "f: is not valid JSON: trailing comma in object (byte 12)"),
        ("[] x", "f: is not valid JSON: trailing characters (byte 4)"),
        ("[]\n[", "f: is not valid JSON: it is cut short"),
        ("[" * 200_000, "f: is not valid JSON: it is nested too deep"),
        (b'[{"id": "\xff"}]', "f: record 1: it is not UTF-8"),
        (b"\xff\xfe[", "f: is neither JSON nor YAML: truncated data"),
        (b"\x80\x81", "f: is neither JSON nor YAML: invalid leading UTF-8 octet"),
        ("a: b: c", "f: is not valid YAML: mapping values are not allowed in this context"),
        ("- 'x", "f: is not valid YAML: found unexpected end of stream"),
        ("\0", "f: is neither JSON nor YAML: control characters are not allowed"),
        ("--- 1\n--- 2\n", "f: is not valid YAML: there is a second document (line 2, column 1)"),
        (
            "- " * 101 + "x",
            "f: is not valid YAML: it is nested deeper than 100 levels (line 1, column 201)",
        ),
        (
            "&a [*a]",
            "f: is not valid YAML: the alias *a stands for nothing that is complete",
        ),
        ("id: !!python/object:os.system x", "f: is not valid YAML: the tag tag:yaml.org,2002:p"),
        ("!<a%0a> x", "f: is not valid YAML: the tag a\\n is not understood"),
        ("id: !!set {a}", "f: is not valid YAML: the tag tag:yaml.org,2002:set is not understood"),
        ("{? [a] : b}: x", "f: is not valid JSON"),
        ("x: {[a]: b}", "f: is not valid YAML: a key is not a plain text (line 1, column 5)"),
        (
            "x: &a {b: c}\ny: {<<: *a}",
            "f: is not valid YAML: merge keys (<<) are not understood (line 2, column 5)",
        ),
        ("id: 1e999", "f: is not valid YAML: a number is too large (line 1, column 5)"),
        ("id: " + "9" * 5000, "f: is not valid YAML: Exceeds the limit"),
        ("&a a: *b", "f: is not valid YAML: the alias *b stands for nothing that is complete"),
        ("# only a remark", "f: is not understood"),
    ],
)
def test_what_is_neither_json_nor_yaml_is_one_line(text: str | bytes, message: str) -> None:
    assert complaint(text).startswith(message)


def test_a_file_of_nothing_but_commas_is_refused_before_it_becomes_gigabytes(
    tmp_path: Path,
) -> None:
    file = tmp_path / "commas.json"
    file.write_bytes(b"[" + b"1," * 4_000_001 + b"1]")
    with pytest.raises(NovaDomainsError, match="more values than any list of servers"):
        read_records(str(file))
