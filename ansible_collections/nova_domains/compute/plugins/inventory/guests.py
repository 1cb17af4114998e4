# Copyright the nova-domains authors
# Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

"""Guests as inventory hosts. All that is read is hostile: tenants chose most of the texts."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: guests
short_description: Guests of compute hosts as inventory hosts
version_added: 1.0.0
description:
  - Reads what C(nova-domains list --full -f json) saved, or the SQLite file of C(nova-domains collect), on the controller. No host
    is asked.
  - Each guest is an inventory host with the variable C(nova_domains), which is its object in the JSON document.
  - Guests are in the groups C(project_NAME), C(host_NAME), C(kind_KIND) and C(state_STATE); those without an owner in
    C(without_project).
  - Projects that have the same name and different ids get the beginning of their id behind the name.
  - >-
    Texts that tenants typed are never templates, also not in what O(compose) makes of them, and group names hold letters, digits
    and underscores only.
  - The name of the file has to end in C(nova_domains.yml) or C(nova_domains.yaml).
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [nova_domains.compute.guests]
  documents:
    description:
      - Files with JSON documents or JSON lines, or folders with such files (C(*.json) and C(*.jsonl)).
      - Paths are relative to the inventory file.
      - If a guest of a host is in several of them, the one that was read last counts.
    type: list
    elements: str
    default: []
  database:
    description: A SQLite file of C(nova-domains collect), relative to the inventory file.
    type: str
  hostname:
    description:
      - What a guest is called in the inventory. V(name) is its display name and the beginning of its uuid (C(web-1.8dabf68e)).
        V(domain) is libvirt's name and its host (C(instance-0000002a.cmp-001)).
      - Where that is the name of several guests, their host follows.
    type: str
    choices: [uuid, name, domain]
    default: uuid
author:
  - The nova-domains authors (@nova-domains)
extends_documentation_fragment:
  - ansible.builtin.constructed
"""

EXAMPLES = r"""
---
# fleet.nova_domains.yml
plugin: nova_domains.compute.guests
documents:
  - collected/
hostname: name
compose:
  ansible_host: nova_domains.instance.ports[0].ips[0].address
groups:
  windows: nova_domains.instance.image.properties.os_type | default('') == 'windows'
keyed_groups:
  - key: nova_domains.instance.flavor.name
    prefix: flavor
"""

import json
import os
import re
import sqlite3
import typing as t
from collections import Counter, defaultdict
from urllib.parse import quote

from ansible import template
from ansible.errors import AnsibleParserError
from ansible.inventory.group import to_safe_group_name
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable

if hasattr(template, "trust_as_template"):
    # From ansible-core 2.19 on no text is a template unless it is said to be one.
    def no_template(value: t.Any) -> t.Any:
        """The value, of which Ansible takes no text for a template."""
        return value
else:
    from ansible.utils.unsafe_proxy import wrap_var as no_template

VARIABLE = "nova_domains"
SUFFIXES = (".json", ".jsonl")
APPLICATION_ID = 0x6E6F7644
"""What marks a SQLite file as one of collect."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST_NAME = 64

Document = dict[str, t.Any]
Key = tuple[str, str]
"""A guest's identity: its host and its uuid."""


class InventoryModule(BaseInventoryPlugin, Constructable):
    """The plugin, which Ansible makes and calls."""

    NAME = "nova_domains.compute.guests"

    def verify_file(self, path: str) -> bool:
        ends = path.endswith(("nova_domains.yml", "nova_domains.yaml"))
        return ends and bool(super().verify_file(path))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        documents, database = self.get_option("documents"), self.get_option("database")
        if not documents and not database:
            raise AnsibleParserError("say what to read: documents or database")
        beside = os.path.dirname(os.path.abspath(path))
        found: dict[Key, Document] = {}
        for each in documents:
            for file in files_of(os.path.join(beside, os.path.expanduser(each))):
                self._add(found, documents_of(file), file)
        if database:
            file = os.path.join(beside, os.path.expanduser(database))
            self._add(found, rows_of(file), file)
        self._show(found)

    def _add(
        self, found: dict[Key, Document], objects: t.Iterable[tuple[str, t.Any]], path: str
    ) -> None:
        """What a file holds; what is not a guest is skipped with a warning."""
        for place, document in objects:
            why = fault_of(document)
            if why:
                self.display.warning(f"{path}: {place}: {why}; skipped")
                continue
            key = (document["host"] or "", document["uuid"])
            known = found.get(key)
            if known is None or (document.get("read_at") or "") >= (known.get("read_at") or ""):
                found[key] = document

    def _show(self, found: dict[Key, Document]) -> None:
        names = host_names(found, self.get_option("hostname"))
        projects = project_groups(found)
        strict = self.get_option("strict")
        for key, document in found.items():
            name = names[key]
            self.inventory.add_host(name)
            self.inventory.set_variable(name, VARIABLE, no_template(document))
            for group in groups_of(document, projects):
                self.inventory.add_child(self.inventory.add_group(group), name)
            variables = self.inventory.get_host(name).get_vars()
            self._set_composite_vars(self.get_option("compose"), variables, name, strict)
            self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)

    # ---- what Constructable asks for

    @staticmethod
    def _sanitize_group_name(name: str) -> str:
        """By default Ansible only warns of characters that a group cannot be called by."""
        return str(to_safe_group_name(name, force=True, silent=True))

    def _compose(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        """What a filter makes of a tenant's text is the tenant's text still."""
        return no_template(super()._compose(*arguments, **options))


# ---- reading ----------------------------------------------------------------------------------


def files_of(path: str) -> list[str]:
    """The path itself, or the documents in the folder. Raises ``AnsibleParserError``."""
    if not os.path.isdir(path):
        return [path]
    return sorted(
        os.path.join(path, name)
        for name in os.listdir(path)
        if name.endswith(SUFFIXES) and not name.startswith(".")
    )


def documents_of(path: str) -> t.Iterator[tuple[str, t.Any]]:
    """Each object of the file with its place in it. Raises ``AnsibleParserError``.

    A file or a line that is not JSON costs no other: it comes as None.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as error:
        raise AnsibleParserError(f"{path}: {error.strerror}") from error
    if text.lstrip()[:1] == "[":
        objects = loaded(text)
        if objects is None:
            yield "cut short or damaged", None
            return
        yield from ((f"guest {number}", each) for number, each in enumerate(objects, start=1))
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"line {number}", loaded(line)


def loaded(text: str) -> t.Any:
    """The JSON; None if it is none, or nested too deeply."""
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def rows_of(path: str) -> t.Iterator[tuple[str, t.Any]]:
    """Each guest of a collected file. Raises ``AnsibleParserError``."""
    if not os.path.isfile(path):
        raise AnsibleParserError(f"{path}: there is no such file")
    try:
        connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)
        try:
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            # Nothing in the schema of somebody's file runs by itself.
            connection.execute("PRAGMA trusted_schema = OFF")
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise AnsibleParserError(f"{path}: is not a file that nova-domains collect wrote")
            for uuid, text in connection.execute("SELECT uuid, document FROM guests"):
                yield f"guest {uuid}", loaded(text)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise AnsibleParserError(f"{path}: {error}") from error


def fault_of(document: t.Any) -> str:
    """Why this is no guest; empty if it is one."""
    if not isinstance(document, dict):
        return "not a guest's JSON object"
    if not _UUID.fullmatch(str(document.get("uuid"))):
        return "no uuid"
    for key in ("domain", "kind", "state"):
        if not isinstance(document.get(key), str):
            return f"no {key}"
    if not isinstance(document.get("host"), (str, type(None))):
        return "its host is not text"
    if not isinstance(document.get("read_at"), (str, type(None))):
        return "its read_at is not text"
    return ""


def value_of(document: t.Any, *keys: str) -> t.Any:
    """What is at the end of the keys; None where one of them leads nowhere."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


# ---- names ------------------------------------------------------------------------------------


def host_names(found: dict[Key, Document], style: str) -> dict[Key, str]:
    """What each guest is called in the inventory.

    Never what a tenant typed alone: a guest called ``localhost`` would get what is meant for the
    controller, and one with braces in its name would be a template.
    """
    short = {key: _name(document, style) for key, document in found.items()}
    often = Counter(short.values())
    names: dict[Key, str] = {}
    taken: set[str] = set()
    for key, name in short.items():
        if often[name] > 1:
            name = f"{name}.{safe(key[0] or 'unknown')}"
        while name in taken:
            name += "_"
        taken.add(name)
        names[key] = name
    return names


def _name(document: Document, style: str) -> str:
    name = value_of(document, "instance", "name")
    uuid = str(document["uuid"])
    if style == "name" and isinstance(name, str) and safe(name):
        return f"{safe(name)}.{uuid[:8]}"
    if style == "domain" and document["host"] and safe(document["domain"]):
        return f"{safe(document['domain'])}.{safe(document['host'])}"
    return uuid


def safe(text: str) -> str:
    """The text with characters of host names only."""
    return _NOT_IN_NAMES.sub("_", text)[:_LONGEST_NAME].strip(".-")


def project_groups(found: dict[Key, Document]) -> dict[tuple[t.Any, t.Any], str]:
    """The group of each project, by its id and name as recorded.

    Keystone has projects of one name in several of its domains, and others differ only in
    characters that no group can have.
    """
    groups = {owner: f"project_{owner[1] or owner[0]}" for owner in map(owner_of, found.values())}
    owners: defaultdict[str, set[t.Any]] = defaultdict(set)
    for owner, group in groups.items():
        owners[group_name(group)].add(owner[0] or owner[1])
    return {
        owner: group_name(group)
        if len(owners[group_name(group)]) == 1
        else group_name(f"{group}_{str(owner[0] or 'without_id')[:8]}")
        for owner, group in groups.items()
        if owner != (None, None)
    }


def owner_of(document: Document) -> tuple[t.Any, t.Any]:
    """The id and the name of the project, None where it is not recorded. ``N/A`` is no name."""
    found = [value_of(document, "instance", "owner", "project", key) for key in ("id", "name")]
    id_, name = (each if isinstance(each, str) and each else None for each in found)
    return id_, None if name == "N/A" and id_ else name


def groups_of(document: Document, projects: dict[tuple[t.Any, t.Any], str]) -> list[str]:
    """The groups that every guest is in."""
    host = document["host"]
    return [
        projects.get(owner_of(document), "without_project"),
        group_name(f"host_{host}") if host else "without_host",
        group_name(f"kind_{document['kind']}"),
        group_name(f"state_{document['state']}"),
    ]


def group_name(text: str) -> str:
    return InventoryModule._sanitize_group_name(text)
