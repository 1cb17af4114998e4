"""The codes of check: short plain words, the gravest first."""

import re

from virsh_nova.check.codes import CODES, SEVERITIES, nearest


def test_codes_are_short_plain_words() -> None:
    for name, code in CODES.items():
        assert name == code.code
        assert re.fullmatch(r"[a-z]+(-[a-z]+){0,3}", name)
        assert code.severity in SEVERITIES
        for text in (code.title, code.meaning, code.cause, code.remedy):
            assert text.isascii()
            assert text.strip() == text != ""
        assert not code.title.endswith(".")
        assert code.meaning.endswith(".")
        assert code.cause.endswith(".")
        assert code.remedy.endswith(".")


def test_codes_come_by_severity_the_worst_first() -> None:
    ranks = [SEVERITIES.index(code.severity) for code in CODES.values()]
    assert ranks == sorted(ranks)


def test_a_mistyped_code_gets_the_nearest_one() -> None:
    assert nearest("noblock") == "no-block"
    assert nearest("Crash") == "crashed"
    assert nearest("") in CODES
    assert nearest("日本") in CODES
