"""A real Prometheus, and node_exporters that it scrapes, on the loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import yaml

PATIENCE = 60
"""Seconds: what takes longer does not happen."""

# Not through a proxy that the environment names.
_OPENER = build_opener(ProxyHandler({}))


class Prometheus:
    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and the value of each sample that answers now."""
        answer = self._get("/api/v1/query?" + urlencode({"query": expression}))
        return [(one["metric"], float(one["value"][1])) for one in answer["result"]]

    def wait_for(
        self, expression: str, enough: Callable[[list[tuple[dict[str, str], float]]], bool] = bool
    ) -> list[tuple[dict[str, str], float]]:
        """Ask until there are samples that suffice."""
        end = time.monotonic() + PATIENCE
        while True:
            found = self.query(expression)
            if enough(found):
                return found
            assert time.monotonic() < end, f"{expression} never answered: {found}"
            time.sleep(0.2)

    def alerts(self) -> set[tuple[str, str]]:
        """Names and states of the alerts that are pending or firing."""
        alerts = self._get("/api/v1/alerts")["alerts"]
        return {(alert["labels"]["alertname"], alert["state"]) for alert in alerts}

    def _get(self, path: str) -> Any:
        with _OPENER.open(self._url + path, timeout=10) as answer:
            document = json.load(answer)
        assert document["status"] == "success", document
        return document["data"]


def get(port: int, path: str) -> str:
    with _OPENER.open(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


@contextmanager
def node_exporter(textfiles: Path) -> Iterator[int]:
    """With the textfile collector alone; its port."""
    port = free_port()
    words = [
        "prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
        f"--collector.textfile.directory={textfiles}", f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with running(words, textfiles.parent / "node_exporter.log", port, "/metrics"):
        yield port


@contextmanager
def prometheus(
    folder: Path, targets: Mapping[str, int], rules: Sequence[Path]
) -> Iterator[Prometheus]:
    """It scrapes its targets every second: each has the ``instance`` to give it, and a port."""
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rules],
        "scrape_configs": [
            {
                "job_name": instance,
                "static_configs": [
                    {"targets": [f"127.0.0.1:{scraped}"], "labels": {"instance": instance}}
                ],
            }
            for instance, scraped in targets.items()
        ],
    }
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    words = [
        "prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with running(words, folder / "prometheus.log", port, "/-/ready"):
        yield Prometheus(port)


@contextmanager
def running(words: Sequence[str], log: Path, port: int, path: str) -> Iterator[None]:
    """A daemon from when it answers until it is killed."""
    with ExitStack() as stack:
        said = stack.enter_context(log.open("wb"))
        process = stack.enter_context(
            subprocess.Popen(words, stdout=said, stderr=said, cwd=log.parent)
        )
        stack.callback(process.kill)
        end = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, log.read_text()
            try:
                get(port, path)
                break
            except (URLError, OSError):
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.1)
        yield


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
