"""No name reads as anything but a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virsh_nova.quoting import quoted


@pytest.mark.parametrize("name", ["web-1", "a_b.c@d+e", "my web server", "Zoë", "日本"])
def test_a_plain_name_is_itself(name: str) -> None:
    assert quoted(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good (instance-0000002a, 8dab): ok", '"good (instance-0000002a, 8dab): ok"'),
        ("web  8dabf68e  running", '"web  8dabf68e  running"'),
        (" web", '" web"'),
        ("web ", '"web "'),
        ("", '""'),
        ("Zoë's", '"Zoë\'s"'),
        ('a" b', r'"a\x22 b"'),
        ("a\\", '"a\\"'),
        ("a\nb", '"a\nb"'),
        ("a, b", '"a, b"'),
    ],
)
def test_any_other_name_is_quoted(name: str, expected: str) -> None:
    assert quoted(name) == expected


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_a_name_ends_where_its_quotation_ends(name: str) -> None:
    text = quoted(name)
    if text == name:
        assert not set(name) & set("\"'(),:;")
    else:
        assert (text[0], text[-1]) == ('"', '"')
        assert '"' not in text[1:-1]
