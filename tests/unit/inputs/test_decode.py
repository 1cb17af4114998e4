"""What a field should have been is said even where the rest of the document cannot be read."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.records import ENDLESS
from virsh_nova.inputs.decode import decode
from virsh_nova.inputs.values import FieldError


class Named(msgspec.Struct):
    name: str


@pytest.mark.parametrize(("begin", "found"), [("[", "a list"), ('{"a":', "an object")])
def test_a_value_too_deep_to_read_is_named_by_its_type(begin: str, found: str) -> None:
    with pytest.raises(FieldError) as caught:
        decode(f'{{"name": {begin * ENDLESS}'.encode(), msgspec.json.Decoder(Named))
    assert str(caught.value) == f"name: expected text, got {found}"
