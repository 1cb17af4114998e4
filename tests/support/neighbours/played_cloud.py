"""Keystone, Glance and Neutron played over real HTTP, with responses recorded from a real cloud."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import yaml

from tests.support.paths import API

Answers = dict[str, Any]
Fault = int | bytes | Literal["silence"]
"""A status to respond with, a body to send with status 200, or no response at all."""


def recorded(name: str) -> Answers:
    answer: Answers = json.loads((API / "nova" / f"{name}.json").read_text())
    return answer


class Caller(NamedTuple):
    name: str
    user: str
    project: str
    project_name: str
    roles: tuple[str, ...]

    @property
    def password(self) -> str:
        return f"secret-of-{self.name}"

    @property
    def token(self) -> str:
        return f"token-of-{self.name}"


ADMIN = Caller(
    name="admin",
    user="b94b1d6aedf6410d84fd4c759d37aade",
    project="6d856f72b8d84efdb7718f7697d06968",
    project_name="admin",
    roles=("admin", "member", "reader"),
)
MEMBER = Caller(
    name="demo",
    user="1082a8a6dab742f580ff92dbbd2bb479",
    project="03edb9b2d97144b3ba1926701905d2cf",
    project_name="demo-project",
    roles=("member", "reader"),
)


class PlayedCloud:
    """The services, on a port of their own, until the end of the ``with`` block.

    ``endpoints`` is the catalog: services by type, with their URLs. ``faults`` says what is wrong
    with a service; ``network-of-nova`` is the Neutron that Nova asks. ``requests`` collects all
    requests but Nova's own, as ``GET /image/v2/images``.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.faults: dict[str, Fault] = {}
        self.page = 2
        """The largest page of Glance and Neutron."""
        self.restricted: set[str] = set()
        """Lists that Keystone gives only domain by domain, as with LDAP behind it."""
        self.cut_short: set[str] = set()
        """Lists that Keystone truncates, and says so."""
        self.strangers: list[Answers] = []
        """Users in addition to the recorded ones."""
        self._end = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.endpoints = {
            service: f"{self.url}/{service}" for service in ("identity", "image", "network")
        }

    def __enter__(self) -> PlayedCloud:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end.set()
        self._server.shutdown()
        self._server.server_close()

    def clouds(self, caller: Caller, **changed: Any) -> str:
        """A clouds.yaml with one cloud named ``lab``."""
        auth = {
            "auth_url": f"{self.url}/identity",
            "username": caller.name,
            "password": caller.password,
            "project_name": caller.project_name,
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        lab = {"auth": auth, "region_name": "here", **changed}
        return yaml.safe_dump({"clouds": {"lab": lab}})

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, Any, str]:
        """The status, the answer and the token."""
        url = urlsplit(target)
        service, _, path = url.path.lstrip("/").partition("/")
        query = parse_qs(url.query)
        # Nova's own requests do not count.
        if service != "network-of-nova":
            self.requests.append(f"{method} {target}")
        fault = self.faults.get(service)
        if fault == "silence":
            self._end.wait()
        if fault is not None:
            return (fault, {}, "") if isinstance(fault, int) else (200, fault, "")
        if method == "POST":
            return self._token(json.loads(body))
        caller = next((c for c in (ADMIN, MEMBER) if headers["X-Auth-Token"] == c.token), None)
        kind = service.partition("-")[0]
        found = getattr(self, f"_{kind}")(path.rstrip("/"), query, caller)
        return (*found, "")

    # ---- Keystone

    def _token(self, wanted: Answers) -> tuple[int, Any, str]:
        given = wanted["auth"]["identity"]["password"]["user"]
        for caller in (ADMIN, MEMBER):
            if (given["name"], given["password"]) == (caller.name, caller.password):
                return 201, {"token": self._token_of(caller)}, caller.token
        return 401, {"error": {"code": 401, "message": "The request requires authentication."}}, ""

    def _token_of(self, caller: Caller) -> Answers:
        domain = {"id": "default", "name": "Default"}
        return {
            "methods": ["password"],
            "expires_at": "2999-01-01T00:00:00.000000Z",
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "user": {"id": caller.user, "name": caller.name, "domain": domain},
            "project": {"id": caller.project, "name": caller.project_name, "domain": domain},
            "roles": [{"id": role, "name": role} for role in caller.roles],
            "catalog": [
                {
                    "type": service,
                    "name": service,
                    "id": service,
                    "endpoints": [
                        {
                            "id": service,
                            "interface": "public",
                            "region": "here",
                            "region_id": "here",
                            "url": url,
                        }
                    ],
                }
                for service, url in self.endpoints.items()
            ],
        }

    def _identity(self, path: str, query: Answers, caller: Caller | None) -> tuple[int, Any]:
        if path in ("", "v3"):
            links = [{"rel": "self", "href": f"{self.url}/identity/v3/"}]
            version = {"id": "v3.14", "status": "stable", "links": links, "media-types": []}
            return 200, {"version": version} if path else {"versions": {"values": [version]}}
        if caller is not ADMIN:
            return (403 if caller else 401), {}
        kind = path.removeprefix("v3/")
        if kind == "domains":
            return 200, {"domains": [{"id": "default", "name": "Default"}], "links": {}}
        if kind in self.restricted and "domain_id" not in query:
            return 401, {}
        answer = recorded(kind)
        if kind == "users":
            answer["users"] += self.strangers
        if kind in self.cut_short:
            answer = {kind: answer[kind][:1], "truncated": True, "links": answer["links"]}
        return 200, answer

    # ---- Glance

    def _image(self, path: str, query: Answers, caller: Caller | None) -> tuple[int, Any]:
        if path == "":
            links = [{"rel": "self", "href": f"{self.url}/image/v2/"}]
            return 300, {"versions": [{"id": "v2.9", "status": "CURRENT", "links": links}]}
        if caller is None:
            return 401, {}
        hidden = query.get("os_hidden") == ["true"]
        images = [image for image in recorded("images")["images"] if image["os_hidden"] == hidden]
        page, marker = self._page(images, query)
        answer = {"images": page, "first": "/v2/images", "schema": "/v2/schemas/images"}
        if marker:
            rest = {**query, "marker": [marker]}
            answer["next"] = f"/v2/images?{urlencode(rest, doseq=True)}"
        return 200, answer

    # ---- Neutron

    def _network(self, path: str, query: Answers, caller: Caller | None) -> tuple[int, Any]:
        if path == "v2.0/security-groups":
            return 200, {
                "security_groups": [{"id": each, "name": "default"} for each in query["id"]]
            }
        ports = recorded("ports")["ports"]
        if caller is MEMBER:
            ports = [port for port in ports if port["project_id"] == caller.project]
        for field in ("device_id", "binding:host_id"):
            if field in query:
                ports = [port for port in ports if port[field] in query[field]]
        if caller is None:
            return 200, {"ports": ports}
        page, marker = self._page(ports, query)
        fields = query.get("fields")
        answer: Answers = {
            "ports": [
                {key: value for key, value in port.items() if not fields or key in fields}
                for port in page
            ]
        }
        if marker:
            rest = urlencode({**query, "marker": [marker]}, doseq=True)
            answer["ports_links"] = [
                {"rel": "next", "href": f"{self.url}/network/v2.0/ports?{rest}"},
                {"rel": "previous", "href": f"{self.url}/network/v2.0/ports?page_reverse=True"},
            ]
        return 200, answer

    def _page(self, everything: list[Answers], query: Answers) -> tuple[list[Answers], str | None]:
        """The page that the query wants, and the marker of the next one."""
        ids = [each["id"] for each in everything]
        start = ids.index(query["marker"][0]) + 1 if "marker" in query else 0
        page = everything[start : start + self.page]
        return page, page[-1]["id"] if start + self.page < len(everything) else None


def _handler(cloud: PlayedCloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer, token = cloud.answer(self.command, self.path, self.headers, body)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if token:
                self.send_header("X-Subject-Token", token)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_args: object) -> None:
            pass

    return Handler


def servers() -> Iterator[Answers]:
    """The recorded servers, each with the id of its flavor added."""
    old = {server["id"]: server for server in recorded("servers_detail_2.46")["servers"]}
    for server in recorded("servers_detail_2.100")["servers"]:
        flavor = {**server["flavor"], "id": old[server["id"]]["flavor"]["id"]}
        yield {**server, "flavor": flavor}
