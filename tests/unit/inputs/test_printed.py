"""Lists printed for people are named as such where data was meant, whatever they are given to."""

from __future__ import annotations

import pytest

from virsh_nova.errors import NovaDomainsError
from virsh_nova.inputs.objects import Input
from virsh_nova.inputs.printed import printed_as
from virsh_nova.sources.read import records_in

TABLE = """\
+--------------------------------------+-------+--------+
| ID                                   | Name  | Status |
+--------------------------------------+-------+--------+
| a1000000-0000-4000-8000-000000000001 | web-1 | ACTIVE |
+--------------------------------------+-------+--------+
"""
CSV = '"ID","Name","Status"\n"a1000000-0000-4000-8000-000000000001","web-1","ACTIVE"\n'


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (TABLE, "a table of servers, as openstack server list prints it"),
        (CSV, "CSV of servers, as openstack server list prints it"),
        ("ID,Name,Status\n1,2,ACTIVE\n", "CSV of servers, as openstack server list prints it"),
        ('"ID","Name"\n"1","2"\n', "CSV of ids and names, as the openstack client prints it"),
        ("ID,Name\n1,2\n", "CSV of ids and names, as the openstack client prints it"),
        (f"$ openstack server list\nWARNING: old client\n{TABLE}", "a table of servers, as"),
    ],
)
def test_servers_printed_for_people_are_named_with_what_to_do(text: str, what: str) -> None:
    assert (printed_as(text) or "").startswith(what)
    with pytest.raises(NovaDomainsError) as caught:
        records_in(Input(text.encode(), "servers"))
    assert caught.value.message.startswith(f"servers: it is {what}")
    assert caught.value.hint == "save the list as -f json"


@pytest.mark.parametrize(
    "text",
    ["", "\n", "hello, world\n", "a,b\n", "- ID: x\n  Name: y\n", "id: x\nname: a,b\n", "|a|b|\n",
     "+" * 5000, "+-" * 3000, "a," * 3000, "| ID | Name |\n"],
)  # fmt: skip
def test_other_text_is_none(text: str) -> None:
    assert printed_as(text) is None


def test_a_table_of_anything_is_a_table() -> None:
    assert printed_as("+----+\n| x  |\n") == "a table"
    assert printed_as("Id   Name   State\n----\n") == (
        "the output of virsh list, which names guests and does not describe them"
    )
