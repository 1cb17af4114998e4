"""Every kind of finding: what ``check``, ``--explain`` and docs/findings.md are made from.

Codes are stable: scripts ignore them by name. What Nova does by design is a note at most.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The gravest first."""


class Code(NamedTuple):
    """A kind of finding."""

    code: str
    severity: Severity
    title: str
    consequence: str
    """What follows from it: half a sentence, printed after what shows it."""
    meaning: str
    cause: str
    remedy: str


_REWRITE = "A hard reboot makes Nova rewrite it; stamp --overwrite does so without a reboot."

_ALL = (
    Code(
        "unreadable",
        "error",
        "the guest cannot be read",
        "what cannot be read is not checked",
        "libvirt lists the guest, but its XML, or a part of it, could not be read.",
        "An overloaded daemon; a definition that is too long for libvirt's protocol; a truncated "
        "file in a report.",
        "Look at `virsh dumpxml` of the guest, and run check again.",
    ),
    Code(
        "crashed",
        "error",
        "the guest has crashed",
        "it is down until it is rebooted",
        "The guest's kernel panicked, or its QEMU ended by itself.",
        "A panic that the guest reported (pvpanic); QEMU killed by the kernel when memory ran "
        "out, by an administrator, or by a bug.",
        "Look at /var/log/libvirt/qemu and the kernel's log; then `openstack server reboot "
        "--hard`.",
    ),
    Code(
        "io-error",
        "error",
        "the guest is paused by an I/O error",
        "it is stopped until its storage works and it is resumed",
        "QEMU has paused the guest because a disk could not be read or written.",
        "A full file system or pool under the disk; storage that is gone, or was for a while.",
        "Fix the storage, then `virsh resume` the guest.",
    ),
    Code(
        "shared-disk",
        "error",
        "two guests use the disks of one instance",
        "if both run, they destroy its file system",
        "The disk paths of two guests hold the uuid of the same instance. If both run, they "
        "destroy its file system.",
        "A guest that was defined by hand on an instance's disk, or from a copy of its XML; a "
        "clone. libguestfs appliances do not count: they look into disks by design.",
        "Find out which guest is the right one, and stop the other before anything else.",
    ),
    Code(
        "runs-twice",
        "error",
        "the instance runs on two hosts",
        "both write to its volumes and answer at its addresses",
        "Two hosts run a guest of the same uuid. Both write to the same volumes and answer at the "
        "same addresses.",
        "A host that came back after its instances were evacuated; a migration that failed "
        "halfway. Also two reports taken at different times, if the guest moved in between: look "
        "at when each host was read.",
        "Ask `openstack server show` which host is the right one, and stop the guest on the other "
        "before anything else.",
    ),
    Code(
        "shared-volume",
        "error",
        "two guests use one volume",
        "each overwrites what the other has written",
        "Two guests have a disk on the same volume, and not both may share it. What they write "
        "destroys the volume's file system, unless it is one for clusters. A volume is known by "
        "its Cinder id, by its RBD image, iSCSI target and LUN, NVMe namespace or WWN, and by its "
        "file on a share that Nova mounts; on one host also by a local path. Disks that are both "
        "shareable (Cinder's multi-attach) or read-only do not count, nor do libguestfs "
        "appliances. It is a warning if one of the guests is off.",
        "A volume that was attached by hand; a detachment that failed halfway, or was forced in "
        "Cinder alone; a guest that was defined from a copy of another's XML. A LUN that a storage "
        "array numbers for each host can be another one, if the disk has no Cinder serial.",
        "Ask `openstack volume show` where it is attached, and stop or detach the other guest "
        "before anything else.",
    ),
    Code(
        "port-on-two-guests",
        "error",
        "two running guests have one Neutron port",
        "both answer at the port's addresses",
        "Interfaces of two running guests belong to the same Neutron port: by Open vSwitch's "
        "interface id, or by the name of the tap. Both use its MAC address and its IP addresses.",
        "A port that was moved to another instance while its old host was unreachable; a guest "
        "that was defined from a copy of another's XML.",
        "Ask `openstack port show` for its device_id, which is the right instance, and detach the "
        "interface from the other guest or stop it.",
    ),
    Code(
        "mac-on-two-guests",
        "error",
        "two running guests have one MAC address",
        "on one network, each gets the other's frames",
        "Interfaces of two running guests have the same MAC address. If they are on the same "
        "network, switches deliver each one's frames to the other. Interfaces with different VLANs "
        "do not count. Guests of other managers are compared within their host only. It is a note "
        "if the guests belong to two projects: Neutron keeps MAC addresses unique within a "
        "network only.",
        "A guest that was defined from a copy of another's XML; a clone; a port of another "
        "network that was created with this MAC address, or got it by chance.",
        "Ask `openstack port list --mac-address` whose it is, and stop the other guest or change "
        "its interface.",
    ),
    Code(
        "device-on-two-guests",
        "error",
        "two running guests have one device",
        "only one of them really has it, whatever their XML says",
        "Two running guests of the host have the same PCI device, SR-IOV function, NVMe controller "
        "or mediated device in pass-through, and the kernel gives it to one of them. Devices that "
        "guests may share do not count: vDPA, USB, SCSI.",
        "A libvirt daemon that lost its state and gave the device away again; one that cannot see "
        "the guests of another on the same machine; a file that is left of a guest that ended.",
        "Find the QEMU that has /dev/vfio/GROUP open (`fuser -v`), detach the device from the "
        "other guest, and give that one another through Nova.",
    ),
    Code(
        "block-damaged",
        "error",
        "the block is damaged",
        "readers skip these parts or the whole block",
        "The metadata block, or a part of it, cannot be read: no <instance>, a number that is "
        "not one, a date that is not one.",
        "It was edited, or a tool wrote it. Nova does not write such blocks.",
        "`openstack server reboot --hard` makes Nova rewrite it; stamp --overwrite does so "
        "without a reboot.",
    ),
    Code(
        "orphan",
        "error",
        "Nova does not know the guest here",
        "Nova does not manage it, and its twin may run elsewhere",
        "It is Nova's guest, but Nova does not know its uuid, or says that it runs on another "
        "host. Two guests may be running on the same disks or with the same addresses. If that "
        "other host was read and does not have the guest, this is the instance itself, and Nova "
        "looks for it in the wrong place.",
        "A host that came back after its instances were evacuated; a deletion or migration that "
        "failed halfway; a migration that is under way. Also a list that lacks servers of the "
        "host: it takes an administrator, and --all-projects.",
        "Ask `openstack server show` and `openstack server migration list`. If it is left over, "
        "stop it before it harms its twin; if no other host has it, leave it running.",
    ),
    Code(
        "missing",
        "error",
        "the guest is missing here",
        "the instance is down, whatever Nova shows",
        "Nova says that the instance is on this host, and libvirt has no guest of that uuid.",
        "A guest that was undefined by hand; a host that was reinstalled; a build that failed or "
        "has only begun.",
        "`openstack server show` shows its state; `openstack server reboot --hard` defines it "
        "again if its disks still exist.",
    ),
    Code(
        "no-block",
        "warning",
        "no metadata block",
        "the host cannot say whose it is",
        "The guest is Nova's, and nothing on the host says whose.",
        "It was started before Juno; it was defined from an old or foreign copy of its XML; a "
        "tool removed the block.",
        "stamp writes what is known; a hard reboot makes Nova write all of it.",
    ),
    Code(
        "block-in-one-definition",
        "warning",
        "only one definition holds the block",
        "a stop or a start outside Nova can lose it",
        "Either the running guest has a block and its persistent definition has none, or the "
        "other way round. The next shutdown or start outside Nova loses what is on one side.",
        "`virsh metadata --live` or --config alone; an old guest to which a port was attached.",
        "stamp adds it to the definition that lacks it.",
    ),
    Code(
        "unknown-namespace",
        "warning",
        "a block of an unknown version",
        "nothing of it is read",
        "The metadata hold an element of Nova's in a namespace that this nova-domains does not "
        "know.",
        "A Nova that is newer than this nova-domains.",
        "Update nova-domains.",
    ),
    Code(
        "block-unfit",
        "warning",
        "the block does not fit the schema",
        "strict readers may refuse it",
        "The block can be read, but no Nova writes it like this in its namespace: a part is "
        "missing, unknown or misplaced. A block that stamp wrote may lack parts. It is a note "
        "if a newer Nova than this nova-domains knows wrote the block.",
        "An edit; a patched Nova; a tool that does not know the format.",
        _REWRITE,
    ),
    Code(
        "several-namespaces",
        "warning",
        "blocks of several namespaces",
        "a reader of the older one gets outdated facts",
        "There is a block of an older Nova beside one of a newer Nova. Nova keeps only the newer "
        "one up to date; a reader that takes the older one gets outdated facts.",
        "A guest that an older Nova started, to which a port was attached after the upgrade.",
        "A hard reboot leaves the newer one; so does stamp --overwrite.",
    ),
    Code(
        "vcpus-differ",
        "warning",
        "the vCPUs are not the flavor's",
        "Nova accounts for the flavor's",
        "The guest has more or fewer vCPUs than its flavor.",
        "`virsh setvcpus`; a resize that did not finish; a block copied from another guest.",
        "A hard reboot gives it the size of its flavor.",
    ),
    Code(
        "memory-differs",
        "warning",
        "the memory is not the flavor's",
        "Nova accounts for the flavor's",
        "The guest has more or less memory than its flavor. Memory devices (NVDIMM, virtio-mem) "
        "do not count, nor does what a pSeries guest gets to fill up its last 256 MiB.",
        "`virsh setmaxmem`; a resize that did not finish; a block copied from another guest.",
        "A hard reboot gives it the size of its flavor.",
    ),
    Code(
        "port-without-interface",
        "warning",
        "a port without an interface",
        "its addresses do not reach the guest",
        "The block names a port, and no interface of the guest belongs to it. The name of a tap "
        "device holds only the first 11 characters of the port's uuid.",
        "An interface detached with virsh. A port that is passed through as a whole device "
        "(direct-physical) never has an interface.",
        "Compare with `openstack port list --server`; detach and attach the port through Nova.",
    ),
    Code(
        "interface-unrecorded",
        "warning",
        "an interface that the block does not name",
        "the block does not lead from its port or addresses to the guest",
        "The guest has an interface of a Neutron port that its block does not name. It is a note "
        "if the guest is off, and nothing if it is suspended: Nova adds an attached port to the "
        "live block only.",
        "An interface attached with virsh; a port attached while Nova could not write.",
        "Compare with `openstack port list --server`; a hard reboot makes them agree.",
    ),
    Code(
        "root-differs",
        "warning",
        "the root disk is not what the block says",
        "the block leads to another disk",
        "The block says that the guest boots from a certain volume, and its boot disk is another. "
        "It is a note if the block may name the instance's image instead, as Nova does for a "
        "guest that boots from a volume and has an image too, or was rebuilt. That Nova leaves "
        "the uuid of a boot volume empty is not reported.",
        "A disk changed by hand; a block copied from another guest; a volume that was migrated.",
        "Compare with `openstack server show`; a hard reboot rewrites the block.",
    ),
    Code(
        "owner-unknown",
        "warning",
        "the block does not say whose it is",
        "what it uses is counted for no one",
        "The block has no owner, or no id of the user or the project.",
        "Nova writes an empty owner if it did not know user and project; stamp may not have been "
        "given one.",
        "stamp --fill adds it; a hard reboot makes Nova write it.",
    ),
    Code(
        "uuid-differs",
        "warning",
        "uuids that disagree",
        "it may write to another instance's disks",
        "The uuid in the sysinfo, or in the path of a disk, is not the domain's.",
        "A guest defined from a copy of another's XML; a disk of another instance.",
        "Find out whose disks these are before you start it.",
    ),
    Code(
        "defined-twice",
        "warning",
        "it is off here and runs on another host",
        "if it starts here, both write to its disks",
        "The host still has the definition of a guest that runs on another host. If it is started "
        "here, or starts with the host, two guests use the same disks and addresses.",
        "A resize or cold migration that waits to be confirmed keeps it on purpose; otherwise a "
        "host that came back after its instances were evacuated, or a migration whose last step "
        "failed.",
        "Ask `openstack server show`, and confirm a resize that waits. Otherwise `virsh undefine` "
        "it here; leave its disks alone if the other host uses the same storage.",
    ),
    Code(
        "leftover",
        "warning",
        "a helper that was left behind",
        "it takes memory, and may hold an instance's disk",
        "A libguestfs appliance, or a transient guest of unknown origin, has been running for "
        "longer than --leftover allows. It takes memory, and may hold an instance's disk.",
        "A libguestfs tool that was killed or hangs; a debugging session that was forgotten.",
        "Look at its process and its parent; if no one needs it, `virsh destroy` it.",
    ),
    Code(
        "project-differs",
        "warning",
        "the project is not Nova's",
        "what it uses is counted for the wrong project",
        "The block names another project than Nova does.",
        "A block copied from another guest, or stamped from a wrong source. Before Pike the "
        "block named the project of the user whose request last wrote it.",
        _REWRITE,
    ),
    Code(
        "flavor-differs",
        "warning",
        "the flavor is not Nova's",
        "what it uses is counted by the wrong size",
        "The block names another flavor than Nova does.",
        "A resize that is under way or failed halfway; a block copied from another guest.",
        "Look at the server's state; a hard reboot rewrites the block.",
    ),
    Code(
        "power-state-differs",
        "warning",
        "the power state is not Nova's",
        "Nova may stop it when it next looks",
        "libvirt and Nova disagree on whether the guest runs.",
        "Started or stopped with virsh, or crashed. Nova looks every ten minutes: a list can be "
        "that old.",
        "Wait for Nova to look again; then start or stop it through Nova.",
    ),
    Code(
        "stale-snapshot",
        "warning",
        "what was read of the host is old",
        "its findings may be out of date",
        "The latest document of the host is older than --max-age allows: guests may have come, "
        "gone, moved and changed since.",
        "The host could not be read lately; a report or a file that was taken long ago.",
        "Read the host again; --max-age sets how old is too old.",
    ),
    Code(
        "migrating",
        "note",
        "the instance is moving between two hosts",
        "until that ends, both hosts list it",
        "Two hosts have a guest of the same uuid, and on one it is paused for a live migration, or "
        "it has come to the host that was read last by one.",
        "A live migration that is under way, or was while the hosts were read.",
        "Nothing; if it lasts, look at `openstack server migration list`.",
    ),
    Code(
        "older-namespace",
        "note",
        "a block of an older namespace",
        "it names no ports",
        "The block has the form that Nova wrote before release 23.",
        "A Nova of that age started the guest, and no newer one has since.",
        "Nothing; the next hard reboot renews it.",
    ),
    Code(
        "definitions-differ",
        "note",
        "live and persistent differ",
        "after a stop outside Nova the persistent one counts",
        "The block of the running guest and the one of its persistent definition say different "
        "things.",
        "Nova itself: after a port is attached or detached it writes only the live block.",
        "Nothing; the next start through Nova makes them equal.",
    ),
    Code(
        "owner-unnamed",
        "note",
        "the owner's name is not known",
        "only the id says who it is",
        "The name of the user or the project is N/A or empty. The ids are there, and right.",
        "Nova writes it like this if the request that wrote the XML came without names.",
        "Nothing; `openstack project show` shows the name.",
    ),
    Code(
        "serial-differs",
        "note",
        "the serial number is another uuid",
        "software in the guest sees this one",
        "The serial in the sysinfo is a uuid, and not the domain's.",
        "Nova's option sysinfo_serial is os, hardware or auto: the serial is the host's then. Or "
        "the XML was copied from another guest.",
        "Nothing, if all guests of the host have the same.",
    ),
    Code(
        "older-nova",
        "note",
        "started by an older Nova",
        "fixes and options since then do not apply to it",
        "The Nova that wrote the block is older than the newest on this host, or than "
        "--nova-version. Fixes and options since then do not apply to this guest.",
        "An upgrade: guests keep running as they were started.",
        "A hard reboot or a migration brings it up to date.",
    ),
    Code(
        "name-differs",
        "note",
        "the name is not Nova's",
        "a search for the new name does not find it",
        "The block has another display name than Nova.",
        "The instance was renamed: Nova does not touch the guest then.",
        "Nothing; the next hard reboot writes the new name.",
    ),
)  # fmt: skip

TWINS = frozenset((
    "shared-disk", "shared-volume", "runs-twice", "port-on-two-guests", "mac-on-two-guests",
    "device-on-two-guests", "defined-twice", "migrating", "stale-snapshot",
))  # fmt: skip
"""What only a comparison of all guests finds: nothing else need be read of those that have nothing
in common with another."""

CODES = {code.code: code for code in _ALL}
"""By code; the gravest first."""


def nearest(text: str) -> str:
    """The code that was probably meant."""
    return get_close_matches(text.lower(), CODES, n=1, cutoff=0.0)[0]
