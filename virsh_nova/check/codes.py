"""Every finding that there is: the table that ``check``, ``--explain`` and the docs are made from.

Codes are stable: scripts ignore them by name. What Nova does by design is a note at most.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The gravest first."""


class Code(NamedTuple):
    """A kind of finding."""

    code: str
    severity: Severity
    title: str
    meaning: str
    cause: str
    """How it comes about."""
    remedy: str


_ALL = (
    Code(
        "unreadable",
        "error",
        "the guest cannot be read",
        "libvirt lists the guest, but its XML, or a part of it, could not be read.",
        "A daemon that is overloaded; a definition too long for libvirt's protocol; a file of a "
        "report that is cut off.",
        "Look at `virsh dumpxml` of the guest, and run check again.",
    ),
    Code(
        "crashed",
        "error",
        "the guest has crashed",
        "libvirt says that the guest's kernel panicked, or that its QEMU ended by itself.",
        "A panic that the guest reported (pvpanic); QEMU killed by the kernel when memory ran "
        "out, by an administrator, or by a bug.",
        "Look at /var/log/libvirt/qemu and at the kernel's log; then `openstack server reboot "
        "--hard`.",
    ),
    Code(
        "io-error",
        "error",
        "the guest is paused by an I/O error",
        "QEMU has paused the guest because a disk could not be read or written.",
        "A full file system or pool below the disk; storage that is gone or was for a while.",
        "Mend the storage, then `virsh resume` the guest.",
    ),
    Code(
        "shared-disk",
        "error",
        "two guests use the disks of one instance",
        "The paths of two guests' disks hold the uuid of the same instance. When both run, they "
        "destroy its file system.",
        "A guest that was defined by hand on an instance's disk, or from a copy of its XML; a "
        "clone. Appliances of libguestfs are left out: they look into disks by design.",
        "Find out which guest is the right one, and stop the other before anything else.",
    ),
    Code(
        "runs-twice",
        "error",
        "the instance runs on two hosts",
        "Two hosts run a guest of the same uuid. Both write to the same volumes and answer at the "
        "same addresses.",
        "A host that came back after its instances were evacuated; a migration that failed "
        "halfway. Also two reports of different times, between which the guest moved.",
        "Ask `openstack server show` which host is the right one, and stop the guest on the other "
        "before anything else.",
    ),
    Code(
        "block-damaged",
        "error",
        "the block is damaged",
        "The metadata block, or a part of it, cannot be read: no <instance>, a number that is no "
        "number, a date that is no date.",
        "Somebody edited it, or a tool wrote it. Nova does not write such blocks.",
        "`openstack server reboot --hard` makes Nova write it anew; stamp --overwrite does so "
        "without a reboot.",
    ),
    Code(
        "orphan",
        "error",
        "Nova does not know the guest here",
        "It is Nova's guest, but Nova does not know its uuid, or says that it runs on another "
        "host. Two guests on the same disks or with the same addresses may be running.",
        "A host that came back after its instances were evacuated; a deletion or migration that "
        "failed halfway; a migration that is under way. Also a listing that does not hold all "
        "servers of the host: it takes an administrator, and --all-projects.",
        "Ask `openstack server show` and `openstack server migration list`; if it is left over, "
        "stop it before its twin is harmed.",
    ),
    Code(
        "missing",
        "error",
        "the guest is missing here",
        "Nova says that the instance is on this host, and libvirt has no guest of that uuid.",
        "A guest that somebody undefined; a host that was set up anew; a build that failed or "
        "has only begun.",
        "`openstack server show` tells its state; `openstack server reboot --hard` defines it "
        "again if its disks are still there.",
    ),
    Code(
        "no-block",
        "warning",
        "no metadata block",
        "The guest is Nova's, and does not say whose.",
        "Started before Juno; defined from an old or foreign copy of its XML; a block that a "
        "tool removed.",
        "stamp writes what is known; a hard reboot makes Nova write all of it.",
    ),
    Code(
        "block-in-one-definition",
        "warning",
        "only one definition holds the block",
        "The running guest has a block and its persistent definition has none, or the other way "
        "round. What is on one side is lost with the next shutdown or start outside Nova.",
        "`virsh metadata --live` or --config alone; an old guest to which a port was attached.",
        "stamp completes the definition that lacks it.",
    ),
    Code(
        "unknown-namespace",
        "warning",
        "a block of an unknown version",
        "The metadata hold an element of Nova's in a namespace that is not known here.",
        "A Nova newer than this nova-domains.",
        "Update nova-domains.",
    ),
    Code(
        "block-unfit",
        "warning",
        "the block does not fit the schema",
        "The block can be read, but it is not what any Nova writes under its namespace: a part "
        "is missing, is unknown or stands in the wrong place. A block that stamp wrote may lack "
        "parts. It is a note where a Nova newer than is known here wrote the block.",
        "Somebody edited it; a patched Nova; a tool that does not know the format.",
        "A hard reboot makes Nova write it anew; stamp --overwrite does so without a reboot.",
    ),
    Code(
        "several-namespaces",
        "warning",
        "blocks of several namespaces",
        "Blocks of an older and of a newer Nova stand side by side. Nova keeps the newer one up "
        "to date only; a reader that takes the older reads what is no longer true.",
        "A guest that an older Nova started, to which a port was attached after the upgrade.",
        "A hard reboot leaves the newer one; so does stamp --overwrite.",
    ),
    Code(
        "vcpus-differ",
        "warning",
        "the vCPUs are not the flavor's",
        "The guest has more or fewer vCPUs than its flavor.",
        "`virsh setvcpus`; a resize that was not finished; a block copied from another guest.",
        "A hard reboot gives it what its flavor says.",
    ),
    Code(
        "memory-differs",
        "warning",
        "the memory is not the flavor's",
        "The guest has more or less memory than its flavor.",
        "`virsh setmaxmem`, memory plugged in by hand; a resize that was not finished; a block "
        "copied from another guest.",
        "A hard reboot gives it what its flavor says.",
    ),
    Code(
        "port-without-interface",
        "warning",
        "a port without an interface",
        "The block names a port, and no interface of the guest is that port's. Tap devices name "
        "only the beginning of a port's uuid (11 characters).",
        "An interface detached with virsh. A port that is passed through as a whole device "
        "(direct-physical) never has an interface.",
        "Compare with `openstack port list --server`; detach and attach it through Nova.",
    ),
    Code(
        "interface-unrecorded",
        "warning",
        "an interface that the block does not name",
        "The guest has an interface of a Neutron port that its block does not name. It is a note "
        "where the guest is off: Nova adds an attached port to the live block only.",
        "An interface attached with virsh; a port attached while Nova could not write.",
        "Compare with `openstack port list --server`; a hard reboot brings both together.",
    ),
    Code(
        "root-differs",
        "warning",
        "the root disk is not what the block says",
        "The block says that the guest boots from an image, or from a certain volume, and its "
        "boot disk is another. That Nova leaves the uuid of a boot volume empty is no finding.",
        "A disk changed by hand; a block copied from another guest; a volume that was migrated.",
        "Compare with `openstack server show`; a hard reboot writes the block anew.",
    ),
    Code(
        "owner-unknown",
        "warning",
        "the block does not say whose it is",
        "The block has no owner, or no id of the user or the project.",
        "Nova writes an empty owner where it did not know user and project; stamp was not told.",
        "stamp --fill adds it; a hard reboot makes Nova write it.",
    ),
    Code(
        "uuid-differs",
        "warning",
        "uuids that disagree",
        "The uuid in the sysinfo, or in the path of a disk, is not the domain's.",
        "A guest defined from a copy of another's XML; a disk of another instance.",
        "Find out whose disks these are before it is started.",
    ),
    Code(
        "leftover",
        "warning",
        "a helper that was left behind",
        "An appliance of libguestfs, or a transient guest of nobody known, runs for longer than "
        "--leftover allows. It holds memory, and perhaps an instance's disk.",
        "A tool of libguestfs that was killed or hangs; a debugging session that was forgotten.",
        "Look at its process and its parent; when nobody needs it, `virsh destroy` it.",
    ),
    Code(
        "project-differs",
        "warning",
        "the project is not the one that Nova has",
        "The block names another project than Nova does.",
        "A block copied from another guest, or stamped from a wrong source. Before Pike the "
        "block named whoever made the request that last wrote it.",
        "A hard reboot makes Nova write it anew; stamp --overwrite does so without a reboot.",
    ),
    Code(
        "flavor-differs",
        "warning",
        "the flavor is not the one that Nova has",
        "The block names another flavor than Nova does.",
        "A resize that is under way or failed halfway; a block copied from another guest.",
        "Look at the server's state; a hard reboot writes the block anew.",
    ),
    Code(
        "power-state-differs",
        "warning",
        "the power state is not the one that Nova has",
        "libvirt and Nova disagree on whether the guest runs.",
        "Started or stopped with virsh, or crashed. Nova looks every ten minutes: a listing may "
        "be that old.",
        "Wait for Nova to look again; then start or stop it through Nova.",
    ),
    Code(
        "migrating",
        "note",
        "the instance is moving between two hosts",
        "Two hosts have a guest of the same uuid, and on one it is paused for a live migration.",
        "A live migration that is under way, or was when the host was read.",
        "None is needed; if it lasts, look at `openstack server migration list`.",
    ),
    Code(
        "older-namespace",
        "note",
        "a block of an older namespace",
        "The block has the shape that Nova wrote before release 23.",
        "The guest was started by a Nova of that age, and not by a newer one since.",
        "None is needed; the next hard reboot renews it.",
    ),
    Code(
        "definitions-differ",
        "note",
        "live and persistent differ",
        "The block of the running guest and that of its persistent definition say different "
        "things.",
        "Nova itself: after a port was attached or detached it writes the live block only.",
        "None is needed; the next start through Nova makes them one.",
    ),
    Code(
        "owner-unnamed",
        "note",
        "the owner's name is not known",
        "The name of the user or the project is N/A or empty. The ids are there, and right.",
        "Nova writes it so where the request that wrote the XML came without names.",
        "None is needed; `openstack project show` tells the name.",
    ),
    Code(
        "serial-differs",
        "note",
        "the serial number is another uuid",
        "The serial in the sysinfo is a uuid, and not the domain's.",
        "Nova's option sysinfo_serial is os, hardware or auto: the serial is the host's then. Or "
        "the XML was copied from another guest.",
        "None is needed where all guests of the host have the same.",
    ),
    Code(
        "older-nova",
        "note",
        "started by an older Nova",
        "The Nova that wrote the block is older than the newest on this host, or than "
        "--nova-version. Fixes and options since then do not hold for this guest.",
        "An upgrade: guests run on as they were started.",
        "A hard reboot or a migration brings it up to date.",
    ),
    Code(
        "name-differs",
        "note",
        "the name is not the one that Nova has",
        "The block has another display name than Nova.",
        "The instance was renamed: Nova does not touch the guest then.",
        "None is needed; the next hard reboot writes the new name.",
    ),
)  # fmt: skip

CODES = {code.code: code for code in _ALL}
"""By code; the gravest first."""


def nearest(text: str) -> str:
    """The code that was probably meant."""
    from difflib import get_close_matches

    return get_close_matches(text.lower(), CODES, n=1, cutoff=0.0)[0]
