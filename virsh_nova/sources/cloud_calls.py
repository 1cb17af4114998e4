"""One cloud of the user's clouds.yaml: complete lists from its services, and readable errors.

openstacksdk reads the configuration, logs in, and finds each service's endpoint and version; its
clients (``connection.compute`` and the others) send the requests. Its lists (``compute.servers()``
and the others) are not used, and the pages are read here, because those lists

- build an object for each server, which takes 4 s for a thousand where this takes 2 ms, and do not
  show which attributes Nova left out, or sent without the object knowing them;
- send the token to whatever host a "next" link names, and follow a link that leads back for ever;
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
"""What openstacksdk calls the cloud that the OS_* variables tell of."""

PATIENCE = 60.0
"""Seconds that an answer may take where clouds.yaml says no ``api_timeout``."""

NAMES: dict[Service, str] = {
    "compute": "Nova",
    "identity": "Keystone",
    "image": "Glance",
    "network": "Neutron",
}

_ADDRESS = re.compile(r"https?://(?:[^\s/@]*@)?[^\s/@?'\"]+")
_JUNK = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What the SDK raises for an answer, or a clouds.yaml, of a shape that it does not expect."""

_PAGE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])


class _Link(msgspec.Struct):
    href: str
    rel: str = "next"


_LINKS = msgspec.json.Decoder(list[_Link])
_NEXT = msgspec.json.Decoder(str | None)
_NEXT_IN = msgspec.json.Decoder(dict[str, Any])


class Refusal(NovaDomainsError):
    """A service is not there, or does not let this user ask this, or does not know the question."""

    def __init__(self, message: str, status: int, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


class Cloud:
    """Asks the services of one cloud, within a ``with`` block.

    Every method raises ``NovaDomainsError`` where the cloud cannot be reached or does not make
    sense, and ``Refusal`` where a service answers with 400, 401, 403 or 404 or does not exist.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.truncated: set[str] = set()
        """The lists that the cloud said it had cut short."""

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
        """The newest that Nova speaks; None for one too old to have any."""
        with self._explaining("compute"):
            data = self._client("compute").get_endpoint_data()
            newest = data.max_microversion if data else None
            return None if newest is None else (int(newest[0]), int(newest[1]))

    def self_known(self) -> dict[str, dict[str, str | None]]:
        """The user and the project whose token this is: ``{"users": {"id", "name"}, …}``."""
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
        """All objects of a list, undecoded, page after page."""
        rows: list[msgspec.Raw] = []
        asked: set[tuple[tuple[str, str], ...]] = set()
        following: Query | None = query
        while following is not None:
            # A page that leads back to an earlier one would go on for ever.
            if tuple(following) in asked:
                raise self._senseless(service)
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
            raise self._senseless(service) from error

    def _page(
        self, service: Service, path: str, key: str, query: Query, microversion: str | None
    ) -> tuple[list[msgspec.Raw], Query | None]:
        """One page, and the query for the next."""
        content = self._content(service, path, query, microversion)
        try:
            page = _PAGE.decode(content)
            if bytes(page.get("truncated", b"")) == b"true":
                self.truncated.add(key)
            return _ROWS.decode(page[key]), _next(page, key)
        except (KeyError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise self._senseless(service) from error

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
        message = f"cloud {self.name}: {NAMES[service]} answers {status} to GET {path}"
        if status in (400, 401, 403, 404):
            raise Refusal(message, status, "See the rights of the user, and the service's log.")
        raise NovaDomainsError(message, f"The log of {NAMES[service]} says why; then try again.")

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
            "See the catalog, and region_name and interface in clouds.yaml.",
        )

    def _senseless(self, service: Service) -> NovaDomainsError:
        return NovaDomainsError(
            f"cloud {self.name}: what {NAMES[service]} answers is not of the OpenStack API",
            "Does a proxy stand between? See the endpoints in the cloud's catalog.",
        )

    @contextmanager
    def _explaining(self, service: Service) -> Iterator[None]:
        """Turn what the SDK raises into one of our errors."""
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
                "See auth in clouds.yaml, or the OS_* variables.",
            ) from error
        except exceptions.HttpError as error:
            raise NovaDomainsError(
                f"{what} answers {error.http_status}", "Is the URL right? Try again later."
            ) from error
        except exceptions.ClientException as error:
            raise self._unreachable(what, error) from error
        except (SDKException, *_JUNK) as error:
            raise self._senseless(service) from error

    def _unreachable(self, what: str, error: Exception) -> NovaDomainsError:
        from keystoneauth1 import exceptions

        text = str(error)
        match = _ADDRESS.search(text)
        where = f" at {re.sub('//[^/]*@', '//', match[0])}" if match else ""
        if isinstance(error, exceptions.ConnectTimeout) or "timed out" in text:
            return NovaDomainsError(
                f"{what}{where} does not answer", "api_timeout in clouds.yaml gives it more time."
            )
        if isinstance(error, exceptions.SSLError) or "SSL" in text:
            return NovaDomainsError(
                f"{what}{where} has a certificate that cannot be verified",
                "cacert in clouds.yaml names the authority to trust.",
            )
        if isinstance(error, exceptions.ConnectionError) or "establish connection" in text:
            return NovaDomainsError(
                f"{what}{where} cannot be reached", "Is it running, and the URL right?"
            )
        return NovaDomainsError(
            f"{what}{where} is no OpenStack service of a version that is understood",
            "See auth_url in clouds.yaml, and the endpoints in the catalog.",
        )


def _next(page: dict[str, msgspec.Raw], key: str) -> Query | None:
    """The query that gives the next page, however the service says it.

    Only the query is taken: the host in a link is the one that the service knows itself by, which
    need not be reachable, and must not get the token.
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
            "Install nova-domains[openstack], or ask with the openstack client and use --from.",
        ) from error
    from yaml import YAMLError

    try:
        config = OpenStackConfig(app_name="nova-domains")
        if name not in config.get_cloud_names():
            raise _unknown(name, config, hush)
        region = config.get_one(cloud=name)
        if not region.config.get("api_timeout"):
            region.config["api_timeout"] = PATIENCE
        return region
    except MissingRequiredOptions as error:
        missing = ", ".join(option.name.replace("-", "_") for option in error.options)
        raise NovaDomainsError(
            f"cloud {name}: its configuration lacks {missing}",
            "See auth in clouds.yaml, or the OS_* variables.",
        ) from error
    except (SDKException, ClientException, YAMLError, OSError, *_JUNK) as error:
        raise NovaDomainsError(
            f"cloud {name}: its configuration is not understood",
            f"openstack --os-cloud {name} token issue tells more.",
        ) from error


def _unknown(name: str, config: OpenStackConfig, hush: _Hush) -> NovaDomainsError:
    if name == ENVIRONMENT:
        return NovaDomainsError(
            f"cloud {name}: no OS_* variables are set", "Source the openrc file of the cloud first."
        )
    known = sorted(str(each) for each in config.get_cloud_names() if each != "defaults")
    if hush.passed_over:
        hint = f"{hush.passed_over[0]} was passed over: it is not valid YAML, or has no clouds."
    elif known:
        hint = f"Known: {', '.join(known)}."
    else:
        hint = (
            "It is looked for in ., ~/.config/openstack and /etc/openstack, and at "
            f"OS_CLIENT_CONFIG_FILE. {ENVIRONMENT} as the name takes the OS_* variables."
        )
    return NovaDomainsError(f"cloud {name} is in no clouds.yaml", hint)


class _Hush(logging.Handler):
    """Keeps the SDK and its libraries from warning on stderr: what matters they raise as well."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_over: list[str] = []
        """The configuration files that the SDK could not use, of which it only warns."""
        self._loggers = [
            logging.getLogger(name)
            for name in ("keystoneauth", "openstack", "stevedore", "urllib3")
        ]
        self._warnings = warnings.catch_warnings()

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith(("Skipping config", "Configuration file")) and record.args:
            self.passed_over.append(str(next(iter(record.args))))

    def __enter__(self) -> None:
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        for logger in self._loggers:
            logger.addHandler(self)

    def __exit__(self, *_exception: object) -> None:
        for logger in self._loggers:
            logger.removeHandler(self)
        self._warnings.__exit__(None, None, None)
