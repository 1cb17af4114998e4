"""One cloud of the user's clouds.yaml: complete lists from its services, and readable errors.

openstacksdk reads the configuration, logs in, and finds each service's endpoint and version; its
clients (``connection.compute`` and the others) send the requests. Its lists (``compute.servers()``
and the others) are not used, and the pages are read here, because those lists

- build an object for each server, which takes 4 s for a thousand where this takes 2 ms, and do not
  show which attributes Nova omitted, or sent without the object knowing them;
- send the token to whatever host a "next" link names, and follow links in a circle for ever;
- do not show that Keystone cut a list short.

No message quotes a service or the SDK: that text may hold a token, a password or a page of HTML.
openstacksdk takes 0.4 s to import, so it is imported only when a cloud is asked.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from ..errors import NovaDomainsError

if TYPE_CHECKING:
    from openstack.config import OpenStackConfig
    from openstack.config.cloud_region import CloudRegion
    from openstack.proxy import Proxy

T = TypeVar("T")

Service = Literal["compute", "identity", "image", "network"]
Query = Sequence[tuple[str, str]]

ENVIRONMENT = "envvars"
"""openstacksdk's name for the cloud that the OS_* variables describe."""

API_TIMEOUT = 60.0
"""Seconds to wait for a response if clouds.yaml sets no ``api_timeout``."""

NAMES: dict[Service, str] = {
    "compute": "Nova",
    "identity": "Keystone",
    "image": "Glance",
    "network": "Neutron",
}

_ADDRESS = re.compile(r"https?://(?:[^\s/@]*@)?[^\s/@?'\"]+")
_JUNK = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What the SDK raises for a response, or a clouds.yaml, that it does not expect."""

_PAGE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])


class _Link(msgspec.Struct):
    href: str
    rel: str = "next"


_LINKS = msgspec.json.Decoder(list[_Link])
_NEXT = msgspec.json.Decoder(str | None)
_NEXT_IN = msgspec.json.Decoder(dict[str, Any])


class Refusal(NovaDomainsError):
    """A service does not exist, does not allow this request, or does not know it."""

    def __init__(self, message: str, status: int, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


class Cloud:
    """Asks the services of one cloud, within a ``with`` block.

    Every method raises ``NovaDomainsError`` if the cloud cannot be reached or sends something other
    than the OpenStack API, and ``Refusal`` if a service responds with 400, 401, 403 or 404, or does
    not exist.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.truncated: set[str] = set()
        """The lists that the cloud said it truncated."""

    def __enter__(self) -> Cloud:
        self._hush = _Hush()
        self._hush.__enter__()
        try:
            region = _region(self.name, self._hush)
            from openstack.connection import Connection

            with self._explaining("identity"):
                self._connection = Connection(config=region)
                self._connection.session.get_token()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.session.session.close()
        self._hush.__exit__()

    def newest_microversion(self) -> tuple[int, int] | None:
        """The newest that Nova supports; None if it is too old to have any."""
        with self._explaining("compute"):
            data = self._client("compute").get_endpoint_data()
            newest = data.max_microversion if data else None
            return None if newest is None else (int(newest[0]), int(newest[1]))

    def own_names(self) -> dict[str, dict[str, str | None]]:
        """The user and project of the token: ``{"users": {"id", "name"}, "projects": …}``."""
        with self._explaining("identity"):
            session = self._connection.session
            access = getattr(session.auth, "get_access", lambda _session: None)(session)
            if access is None:
                return {}
            return {
                "users": {"id": access.user_id, "name": access.username},
                "projects": {"id": access.project_id, "name": access.project_name},
            }

    def listed(
        self,
        service: Service,
        path: str,
        key: str,
        query: Query = (),
        microversion: str | None = None,
    ) -> list[msgspec.Raw]:
        """All objects of a list, from all its pages, not yet decoded."""
        rows: list[msgspec.Raw] = []
        asked: set[tuple[tuple[str, str], ...]] = set()
        following: Query | None = query
        while following is not None:
            # A page that leads back to an earlier one would loop for ever.
            if tuple(following) in asked:
                raise self._not_openstack(service)
            asked.add(tuple(following))
            page, following = self._page(service, path, key, following, microversion)
            rows += page
        return rows

    def decoded(
        self, service: Service, rows: list[msgspec.Raw], decoder: msgspec.json.Decoder[T]
    ) -> list[T]:
        try:
            return [decoder.decode(row) for row in rows]
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._not_openstack(service) from error

    def _page(
        self, service: Service, path: str, key: str, query: Query, microversion: str | None
    ) -> tuple[list[msgspec.Raw], Query | None]:
        """One page, and the query for the next one, if any."""
        content = self._content(service, path, query, microversion)
        try:
            page = _PAGE.decode(content)
            if bytes(page.get("truncated", b"")) == b"true":
                self.truncated.add(key)
            return _ROWS.decode(page[key]), _next(page, key)
        except (KeyError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise self._not_openstack(service) from error

    def _content(
        self, service: Service, path: str, query: Query, microversion: str | None
    ) -> bytes:
        with self._explaining(service):
            response = self._client(service).get(
                path,
                params=list(query),
                microversion=microversion,
                raise_exc=False,
                skip_cache=True,  # clouds.yaml can turn a cache on, and answers would be old.
                headers={"Accept": "application/json"},
            )
            status, content = int(response.status_code), bytes(response.content)
        if status == 200:
            return content
        message = f"cloud {self.name}: {NAMES[service]} responds with {status} to GET {path}"
        if status in (400, 401, 403, 404):
            raise Refusal(message, status, "Check the user's roles, and the service's log.")
        raise NovaDomainsError(message, f"See the log of {NAMES[service]}, then try again.")

    def _client(self, service: Service) -> Proxy:
        """The SDK's client of the service, which knows its endpoint and version."""
        from openstack.exceptions import NotSupported

        connection = self._connection
        endpoint = connection.config.get_session_endpoint(service)
        if not endpoint:  # The SDK's releases differ in what they do then.
            raise self._no_service(service)
        try:
            client: Proxy = getattr(connection, service)
        except NotSupported:
            # Also raised when the service cannot be asked for its versions. This says why not.
            connection.session.get(endpoint, authenticated=False, raise_exc=False)
            raise
        return client

    def _no_service(self, service: Service) -> Refusal:
        return Refusal(
            f"cloud {self.name} has no {service} service",
            404,
            "Check the catalog, and region_name and interface in clouds.yaml.",
        )

    def _not_openstack(self, service: Service) -> NovaDomainsError:
        return NovaDomainsError(
            f"cloud {self.name}: {NAMES[service]} does not respond as the OpenStack API does",
            "Check the endpoints in the cloud's catalog, and whether a proxy is in between.",
        )

    @contextmanager
    def _explaining(self, service: Service) -> Iterator[None]:
        """Turn the SDK's exceptions into our own."""
        from keystoneauth1 import exceptions
        from openstack.exceptions import SDKException

        what = f"cloud {self.name}: {NAMES[service]}"
        try:
            yield
        except exceptions.EndpointNotFound as error:
            raise self._no_service(service) from error
        except exceptions.Unauthorized as error:
            raise NovaDomainsError(
                f"{what} does not accept the credentials",
                "Check auth in clouds.yaml, or the OS_* variables.",
            ) from error
        except exceptions.HttpError as error:
            raise NovaDomainsError(
                f"{what} responds with {error.http_status}", "Check the URL, or try again later."
            ) from error
        except exceptions.ClientException as error:
            raise self._unreachable(what, error) from error
        except (SDKException, *_JUNK) as error:
            raise self._not_openstack(service) from error

    def _unreachable(self, what: str, error: Exception) -> NovaDomainsError:
        from keystoneauth1 import exceptions

        text = str(error)
        match = _ADDRESS.search(text)
        where = f" at {re.sub('//[^/]*@', '//', match[0])}" if match else ""
        if isinstance(error, exceptions.ConnectTimeout) or "timed out" in text:
            return NovaDomainsError(
                f"{what}{where} does not respond", "To wait longer, set api_timeout in clouds.yaml."
            )
        if isinstance(error, exceptions.SSLError) or "SSL" in text:
            return NovaDomainsError(
                f"{what}{where} has a certificate that cannot be verified",
                "Set cacert in clouds.yaml to the authority to trust.",
            )
        if isinstance(error, exceptions.ConnectionError) or "establish connection" in text:
            return NovaDomainsError(
                f"{what}{where} cannot be reached", "Check that it is running, and the URL."
            )
        return NovaDomainsError(
            f"{what}{where} is not an OpenStack service of a supported version",
            "Check auth_url in clouds.yaml, and the endpoints in the catalog.",
        )


def _next(page: dict[str, msgspec.Raw], key: str) -> Query | None:
    """The query for the next page, in whichever form the service gives it.

    Only the query of a link is used: its host is the service's own idea of its name, which may not
    be reachable from here, and must not get the token.
    """
    following: str | None = None
    if "next" in page:  # Glance
        following = _NEXT.decode(page["next"])
    elif f"{key}_links" in page:  # Nova, Neutron
        links = _LINKS.decode(page[f"{key}_links"])
        following = next((link.href for link in links if link.rel == "next"), None)
    elif "links" in page:  # Keystone
        href = _NEXT_IN.decode(page["links"]).get("next")
        following = href if isinstance(href, str) else None
    return parse_qsl(urlsplit(following).query, keep_blank_values=True) if following else None


def _region(name: str, hush: _Hush) -> CloudRegion:
    try:
        from keystoneauth1.exceptions import ClientException, MissingRequiredOptions
        from openstack.config import OpenStackConfig
        from openstack.exceptions import SDKException
    except ImportError as error:
        raise NovaDomainsError(
            "--cloud needs openstacksdk, and it is not installed",
            "Install nova-domains[openstack], or give the openstack client's output to --from.",
        ) from error
    from yaml import YAMLError  # loaded with openstack.config

    try:
        config = OpenStackConfig(app_name="nova-domains")
        if name not in config.get_cloud_names():
            raise _unknown(name, config, hush)
        region = config.get_one(cloud=name)
        if not region.config.get("api_timeout"):
            region.config["api_timeout"] = API_TIMEOUT
        return region
    except MissingRequiredOptions as error:
        missing = ", ".join(option.name.replace("-", "_") for option in error.options)
        raise NovaDomainsError(
            f"cloud {name}: {missing} is missing from its configuration",
            "Check auth in clouds.yaml, or the OS_* variables.",
        ) from error
    except (SDKException, ClientException, YAMLError, OSError, *_JUNK) as error:
        raise NovaDomainsError(
            f"cloud {name}: invalid configuration",
            f"For details, run: openstack --os-cloud {name} token issue",
        ) from error


def _unknown(name: str, config: OpenStackConfig, hush: _Hush) -> NovaDomainsError:
    if name == ENVIRONMENT:
        return NovaDomainsError(
            f"cloud {name}: no OS_* variables are set", "Source the cloud's openrc file first."
        )
    known = sorted(str(each) for each in config.get_cloud_names() if each != "defaults")
    if hush.skipped:
        hint = f"{hush.skipped[0]} was skipped: it is not valid YAML, or has no clouds."
    elif known:
        hint = f"Known clouds: {', '.join(known)}."
    else:
        hint = (
            "Put it in ., ~/.config/openstack or /etc/openstack, or set OS_CLIENT_CONFIG_FILE. "
            f"To use the OS_* variables, name the cloud {ENVIRONMENT}."
        )
    return NovaDomainsError(f"cloud {name} is not in any clouds.yaml", hint)


class _Hush(logging.Handler):
    """Keeps the SDK's libraries from warning on stderr: they also raise whatever matters."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped: list[str] = []
        """Configuration files that the SDK could not use; it only warns about them."""
        self._loggers = [
            logging.getLogger(name)
            for name in ("keystoneauth", "openstack", "stevedore", "urllib3")
        ]
        self._warnings = warnings.catch_warnings()

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith(("Skipping config", "Configuration file")) and record.args:
            self.skipped.append(str(next(iter(record.args))))

    def __enter__(self) -> None:
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        for logger in self._loggers:
            logger.addHandler(self)

    def __exit__(self, *_exception: object) -> None:
        for logger in self._loggers:
            logger.removeHandler(self)
        self._warnings.__exit__(None, None, None)
