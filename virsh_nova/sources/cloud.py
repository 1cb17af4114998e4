"""Records from the APIs of a cloud: the servers of one host, from a few lists.

Nova is asked for the servers twice: it shows the flavor's id only up to microversion 2.46, and its
sizes only from 2.47. Nova's flavors, Keystone's projects and users, Glance's images and Neutron's
ports are listed once each. The number of requests does not grow with the servers, except for pages.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from ..inputs.objects import Input
from .catalog import complete
from .catalog_files import catalog_of
from .cloud_client import NAMES, Cloud, Query, Refusal, Service
from .read import records_in
from .record import Record

WITH_FLAVOR_ID = (2, 46)
NEWEST_UNDERSTOOD = (2, 100)
HYPERVISORS_BY_NAME = (2, 53)

LARGE_PAGES = ("limit", "1000")
"""Glance sends 25 unless asked for more. 1000 is Glance's and Neutron's default maximum."""

PORT_FIELDS = ("id", "device_id", "device_owner", "mac_address", "fixed_ips", "created_at")


class CloudAnswer(NamedTuple):
    """What a cloud reported."""

    records: tuple[Record, ...]
    """One for each server, in Nova's order. If Nova could list this host's servers alone, servers
    without a domain are included, without facts; otherwise only those of the wanted guests are.
    """
    ports: frozenset[str]
    """The uuids of all ports that Neutron showed."""
    notices: tuple[str, ...]
    """What this user could not see, one sentence each."""
    everyones: bool = True
    """Whether the servers of all projects were listed."""


class _Identified(msgspec.Struct):
    id: str


class _Service(msgspec.Struct):
    host: str


class _Hypervisor(msgspec.Struct):
    hypervisor_hostname: str
    service: _Service


_IDENTIFIED = msgspec.json.Decoder(_Identified)
_HYPERVISOR = msgspec.json.Decoder(_Hypervisor)


def ask_cloud(name: str, host: str | None, wanted: Collection[str]) -> CloudAnswer:
    """Ask the cloud ``name`` of the user's clouds.yaml for the servers of one host.

    ``host`` is libvirt's name for it; Nova's own name is looked up. ``wanted`` are the uuids of its
    guests, in lower case with dashes. The name ``envvars`` means the OS_* variables.

    Raises ``NovaDomainsError`` if the cloud is not configured, refuses the credentials, cannot be
    reached, does not respond in time, fails, or sends something other than the OpenStack API, or if
    openstacksdk is not installed.
    """
    with Cloud(name) as cloud:
        return _Inquiry(cloud, host, frozenset(wanted)).answer()


class _Inquiry:
    def __init__(self, cloud: Cloud, host: str | None, wanted: frozenset[str]) -> None:
        self._cloud = cloud
        self._wanted = wanted
        self._notices: list[str] = []
        self._everyones = True
        newest = cloud.newest_microversion()
        self._newest = min(newest, NEWEST_UNDERSTOOD) if newest else None
        self._host = self._service_host(host) if host else None
        """Nova's name for the host; None if it is unknown, and servers cannot be listed by host."""

    def answer(self) -> CloudAnswer:
        records = self._servers()
        ports = self._ports()
        catalog = catalog_of(
            projects=[self._names("projects", _ids(records, "owner.project.id"))],
            users=[self._names("users", _ids(records, "owner.user.id"))],
            flavors=[self._flavors()],
            images=[self._images(_ids(records, "image.uuid"))],
            ports=[ports] if ports else [],
        )
        completed = (complete(each, catalog) if each.facts else each for each in records)
        return CloudAnswer(
            tuple(map(_without_ports, completed) if ports else completed),
            catalog.port_uuids,
            tuple(self._notices),
            self._everyones,
        )

    # ---- Nova

    def _microversion(self, wanted: tuple[int, int] | None = None) -> str | None:
        """``wanted``, or the newest that both sides know; None if this Nova does not have it."""
        if self._newest is None or (wanted and wanted > self._newest):
            return None
        return "{}.{}".format(*(wanted or self._newest))

    def _service_host(self, host: str) -> str | None:
        """Nova's own name for the host, which its configuration can set freely."""
        # Later ones ask each compute host for its uptime, which can take long.
        by_name = self._microversion(HYPERVISORS_BY_NAME)
        query: Query = (("hypervisor_hostname_pattern", host),) if by_name else ()
        try:
            rows = self._cloud.listed(
                "compute", "/os-hypervisors/detail", "hypervisors", query, by_name or "2.1"
            )
        except Refusal as refusal:
            if refusal.status == 403:
                return None  # An ordinary user. The list of servers gives the notice.
            if refusal.status != 404:
                raise
            rows = []
        found = self._cloud.decoded("compute", rows, _HYPERVISOR)
        # The pattern also matches within longer names.
        hosts = {each.service.host for each in found if each.hypervisor_hostname == host}
        if len(hosts) == 1:
            return hosts.pop()
        problem = "several" if hosts else "no"
        self._notices.append(
            f"Nova knows {problem} hypervisors named {host}: "
            "asked for the servers of all hosts instead"
        )
        return None

    def _servers(self) -> list[Record]:
        query: list[tuple[str, str]] = [("all_tenants", "1")]
        if self._host:
            query.append(("host", self._host))
        older = self._microversion(WITH_FLAVOR_ID)
        try:
            newest = self._read_servers(query, self._microversion())
        except Refusal as refusal:
            if refusal.status != 403:
                raise
            query, self._host = [], None
            self._everyones = False
            newest = self._read_servers(query, self._microversion())
            self._notices.append(
                "only the servers of your own project are known: "
                "Nova lets only administrators list those of other projects"
            )
        if older and older != self._microversion():
            with_ids = {record.uuid: record for record in self._read_servers(query, older)}
            newest = [
                record._replace(facts={**with_ids[record.uuid].facts, **record.facts})
                if record.uuid in with_ids
                else record
                for record in newest
            ]
        if self._host is None:
            return [record for record in newest if record.uuid in self._wanted]
        return newest

    def _read_servers(self, query: Query, microversion: str | None) -> list[Record]:
        rows = self._cloud.listed("compute", "/servers/detail", "servers", query, microversion)
        # In a plan, Nova is just "the cloud"; the other services only fill in details.
        servers = self._input("compute", "servers", rows)._replace(
            source=f"cloud {self._cloud.name}"
        )
        records = records_in(servers, self._wanted)
        # If a server is created or deleted between two pages, another can be on both.
        return list({record.uuid: record for record in records}.values())

    def _flavors(self) -> Input:
        public_and_private = (("is_public", "None"),)
        rows = self._cloud.listed(
            "compute", "/flavors/detail", "flavors", public_and_private, self._microversion()
        )
        return self._input("compute", "flavors", rows)

    # ---- Keystone

    def _names(self, kind: str, ids: Collection[object]) -> Input:
        try:
            rows = self._listed_names(kind)
        except Refusal as refusal:
            reason = "Keystone lets only administrators list them"
            if refusal.status != 403:
                reason = refusal.message
            self._notices.append(f"names of {kind} other than your own are unknown: {reason}")
            own = self._cloud.own_names().get(kind)
            rows = [msgspec.Raw(msgspec.json.encode(own))] if own and own["id"] else []
        if kind in self._cloud.truncated:
            self._notices.append(f"some names of {kind} are unknown: Keystone truncated the list")
        return self._input("identity", kind, self._with_ids("identity", rows, ids))

    def _listed_names(self, kind: str) -> list[msgspec.Raw]:
        try:
            return self._cloud.listed("identity", f"/{kind}", kind)
        except Refusal as refusal:
            if refusal.status != 401:
                raise
        # If each domain has its own directory (LDAP), Keystone lists one domain at a time.
        rows: list[msgspec.Raw] = []
        domains = self._cloud.listed("identity", "/domains", "domains")
        for domain in self._cloud.decoded("identity", domains, _IDENTIFIED):
            rows += self._cloud.listed("identity", f"/{kind}", kind, (("domain_id", domain.id),))
        return rows

    # ---- Glance and Neutron

    def _images(self, ids: Collection[object]) -> Input:
        """All images that the user may see, including hidden ones: old guests run on those."""
        rows: list[msgspec.Raw] = []
        for hidden in ((), (("os_hidden", "true"),)):
            try:
                rows += self._listed_images((*hidden, LARGE_PAGES))
            except Refusal as refusal:
                if not hidden:
                    self._notices.append(f"details of images are unknown: {refusal.message}")
                    break
        return self._input("image", "images", self._with_ids("image", rows, ids))

    def _listed_images(self, query: Query) -> list[msgspec.Raw]:
        try:
            # Without it, community images of other projects are missing.
            return self._cloud.listed("image", "/images", "images", (("visibility", "all"), *query))
        except Refusal as refusal:
            if refusal.status != 400:
                raise
            return self._cloud.listed("image", "/images", "images", query)

    def _ports(self) -> Input | None:
        query = [*(("fields", field) for field in PORT_FIELDS), LARGE_PAGES]
        try:
            rows = self._listed_ports(query)
        except Refusal as refusal:
            self._notices.append(f"ports are unknown: {refusal.message}")
            return None
        return self._input("network", "ports", rows)

    def _listed_ports(self, query: list[tuple[str, str]]) -> list[msgspec.Raw]:
        if self._host:
            try:
                of_host = [("binding:host_id", self._host), *query]
                return self._cloud.listed("network", "/ports", "ports", of_host)
            except Refusal as refusal:
                if refusal.status != 400:  # Not every Neutron can filter by this field.
                    raise
        return self._cloud.listed("network", "/ports", "ports", query)

    # ----

    def _with_ids(
        self, service: Service, rows: list[msgspec.Raw], ids: Collection[object]
    ) -> list[msgspec.Raw]:
        """The rows with these ids: bad data elsewhere in the cloud must not matter here."""
        found = self._cloud.decoded(service, rows, _IDENTIFIED)
        return [row for row, each in zip(rows, found, strict=True) if each.id in ids]

    def _input(self, service: Service, key: str, rows: list[msgspec.Raw]) -> Input:
        """The rows of all pages as one document."""
        source = f"cloud {self._cloud.name}, {NAMES[service]}"
        return Input(msgspec.json.encode({key: rows}), source)


def _ids(records: list[Record], key: str) -> set[object]:
    return {record.facts.get(key) for record in records}


def _without_ports(record: Record) -> Record:
    """Record that the instance has no ports if neither Nova nor Neutron knows any."""
    if "name" not in record.facts or "ports" in record.facts or record.addresses:
        return record
    return record._replace(facts={**record.facts, "ports": ()})
