"""Every error that a user can cause: what went wrong, what to do about it, and the exit code."""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 2  # click's own
EXIT_UNREACHABLE = 3
EXIT_FINDINGS = 4
EXIT_INTERRUPTED = 130

EXIT_CODES = {
    0: "done",
    EXIT_FAILED: "something failed or was not found",
    EXIT_USAGE: "wrong usage",
    EXIT_UNREACHABLE: "no host could be reached",
    EXIT_FINDINGS: "check found problems",
    EXIT_INTERRUPTED: "interrupted",
}
"""What the help, the manual pages and docs/exit-codes.md say of each."""


class NovaDomainsError(Exception):
    """An error in one line: what went wrong and where, and a hint on what to do."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class HandleError(NovaDomainsError):
    """A handle matches no guest, or more than one."""


class GuestError(NovaDomainsError):
    """One guest could not be written to; the others can."""


class HostError(NovaDomainsError):
    """The host could not be reached, or was lost halfway."""

    exit_code = EXIT_UNREACHABLE


class DaemonNotRunning(HostError):
    """Nothing listens on the socket of libvirt's daemon."""


class PermissionRefused(HostError):
    """The daemon answers and does not let this user in."""


class UnknownUri(HostError):
    """libvirt has no driver for the URI, or cannot read it."""


class HostSilent(HostError):
    """The daemon accepts the connection, or did, and does not answer within the time limit."""


class HostLost(HostError):
    """The connection broke after it was made."""
