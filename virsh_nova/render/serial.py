"""Documents as JSON, JSON lines and YAML: exact strings, safe on a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..document.encode import Document
from .safe import escape_in_json, escape_in_yaml, is_safe


def as_json(documents: Sequence[Document] | Document, *, one_a_line: bool, ascii_only: bool) -> str:
    """A JSON array with a guest on each line, or any document indented."""
    if one_a_line and not isinstance(documents, dict):
        lines = ",\n".join(map(_encoder(ascii_only), documents))
        text = f"[\n{lines}\n]\n" if documents else "[]\n"
    else:
        text = json.dumps(documents, ensure_ascii=ascii_only, indent=2) + "\n"
    return escape_in_json(text)


def as_json_lines(documents: Iterable[Document], *, ascii_only: bool) -> Iterator[str]:
    """A document a line, each as soon as it is made."""
    for line in map(_encoder(ascii_only), documents):
        yield escape_in_json(f"{line}\n")


def _encoder(ascii_only: bool) -> Callable[[Document], str]:
    # The C encoder has no indentation, and is ten times as fast as the one that has.
    return json.JSONEncoder(ensure_ascii=ascii_only, check_circular=False).encode


def as_yaml(documents: Sequence[Document] | Document, *, ascii_only: bool = False) -> str:
    import yaml  # the choice of a format: 9 ms

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = None if is_safe(text) else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, represent)
    text = yaml.dump(
        documents if isinstance(documents, dict) else list(documents),
        Dumper=Dumper,
        allow_unicode=not ascii_only,
        sort_keys=False,
        width=2**31,
    )
    return escape_in_yaml(text)
