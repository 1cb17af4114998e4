"""``nova-domains export``."""

from __future__ import annotations

import click

from ..errors import NovaDomainsError
from .session import Session


@click.command("export")
@click.option(
    "--textfile",
    metavar="PATH.prom",
    help="Write to this file of node_exporter's textfile collector, and print nothing.",
)
@click.option("--findings", is_flag=True, help="Count what check finds, too.")
@click.option(
    "--no-devices", is_flag=True, help="Leave out ports and volumes, which take reading the XML."
)
@click.option("--no-names", is_flag=True, help="Leave out the names that tenants chose.")
@click.pass_obj
def export_command(
    session: Session, textfile: str | None, findings: bool, no_devices: bool, no_names: bool
) -> None:
    """Print the host's guests as metrics for Prometheus.

    With --textfile node_exporter serves them. If the host cannot be read, the file says so in
    nova_domains_up, and the exit code is 3.
    """
    try:
        # It needs an extra, which the manual pages are made without.
        from .export_flow import Wanted, export
    except ImportError as error:
        raise NovaDomainsError(
            "export needs prometheus_client, and it is not installed",
            "install nova-domains[prometheus], or the package python3-prometheus-client",
        ) from error
    wanted = Wanted(findings=findings, devices=not no_devices, names=not no_names)
    export(session, textfile, wanted)
