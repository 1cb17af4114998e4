"""The image properties that Nova keeps in the block, and their names there.

Nova copies an image's properties into the instance's system metadata, cut at 255 bytes. It reads
them back as an ``ImageMetaProps``, which drops what it has no field for, and writes the fields of
that object in order (Nova 34: ``nova/objects/image_meta.py``, ``nova/virt/libvirt/config.py``,
``LibvirtConfigGuestMetaImageProperties``). GET /servers/detail (2.98 and later) shows the stored
ones that have a field, under their stored names: ``architecture`` there is ``hw_architecture`` in
the block.

Values stay as the source has them: Nova prints ``yes`` as ``True``, but only its field types know
which ones.
"""

from __future__ import annotations

from collections.abc import Mapping

_FIELDS = """
    hw_architecture hw_emulation_architecture hw_auto_disk_config hw_boot_menu hw_cdrom_bus
    hw_cpu_cores hw_cpu_sockets hw_cpu_max_cores hw_cpu_max_sockets hw_cpu_max_threads
    hw_cpu_policy hw_cpu_thread_policy hw_cpu_realtime_mask hw_cpu_threads hw_device_id
    hw_disk_bus hw_disk_type hw_floppy_bus hw_firmware_type hw_firmware_stateless hw_input_bus
    hw_ipxe_boot hw_locked_memory hw_machine_type hw_mem_encryption hw_mem_encryption_model
    hw_mem_page_size hw_numa_nodes hw_pci_numa_affinity_policy hw_pointer_model hw_pmu
    hw_qemu_guest_agent hw_rescue_bus hw_rescue_device hw_rng_model hw_time_hpet
    hw_serial_port_count hw_scsi_model hw_video_model hw_video_ram hw_vif_model hw_viommu_model
    hw_vm_mode hw_watchdog_action hw_vif_multiqueue_enabled hw_tpm_model hw_tpm_version
    hw_ephemeral_encryption hw_ephemeral_encryption_format hw_ephemeral_encryption_secret_uuid
    hw_virtio_packed_ring hw_maxphysaddr_mode hw_maxphysaddr_bits hw_sound_model hw_usb_model
    hw_redirected_usb_ports img_bittorrent img_bdm_v2 img_cache_in_nova img_compression_level
    img_hv_requested_version img_hv_type img_config_drive img_linked_clone img_owner_id
    img_root_device_name img_use_agent img_version img_signature img_signature_hash_method
    img_signature_certificate_uuid img_signature_key_type img_hide_hypervisor_id os_admin_user
    os_command_line os_distro os_require_quiesce os_secure_boot
    os_skip_agent_inject_files_at_boot os_skip_agent_inject_ssh os_type
""".split()  # noqa: SIM905
"""The fields of ImageMetaProps, in order, without those composed of several properties
(``hw_numa_cpus`` and ``hw_numa_mem``, which Nova writes as a repr of its classes, and
``traits_required``) and those that Nova never stores (the two block device mappings)."""

_ORDER = {name: place for place, name in enumerate(_FIELDS)}

_LEGACY = {
    "architecture": "hw_architecture",
    "owner_id": "img_owner_id",
    "vmware_disktype": "hw_disk_type",
    "vmware_image_version": "img_version",
    "vmware_ostype": "os_distro",
    "auto_disk_config": "hw_auto_disk_config",
    "ipxe_boot": "hw_ipxe_boot",
    "xenapi_device_id": "hw_device_id",
    "xenapi_image_compression_level": "img_compression_level",
    "vmware_linked_clone": "img_linked_clone",
    "xenapi_use_agent": "img_use_agent",
    "xenapi_skip_agent_inject_ssh": "os_skip_agent_inject_ssh",
    "xenapi_skip_agent_inject_files_at_boot": "os_skip_agent_inject_files_at_boot",
    "cache_in_nova": "img_cache_in_nova",
    "vm_mode": "hw_vm_mode",
    "bittorrent": "img_bittorrent",
    "bdm_v2": "img_bdm_v2",
    "root_device_name": "img_root_device_name",
    "hypervisor_version_requires": "img_hv_requested_version",
    "hypervisor_type": "img_hv_type",
}
"""``ImageMetaProps._legacy_property_map``. If both names occur, the current one counts."""

_TRAIT = "trait:"
_LONGEST = 255


def kept_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties that the block holds, under its names and in its order."""
    kept = {_LEGACY[name]: text for name, text in properties.items() if name in _LEGACY}
    kept |= {name: text for name, text in properties.items() if name in _ORDER}
    ordered = {name: _cut(kept[name]) for name in sorted(kept, key=_ORDER.__getitem__)}
    traits = [
        name.removeprefix(_TRAIT)
        for name, text in properties.items()
        if name.startswith(_TRAIT) and text == "required"
    ]
    return ordered | {"traits_required": repr(traits)} if traits else ordered


def is_kept(name: str) -> bool:
    """Whether a property affects what the block holds."""
    return name in _ORDER or name in _LEGACY or name.startswith(_TRAIT)


def _cut(text: str) -> str:
    if len(text) * 4 <= _LONGEST:
        return text
    return text.encode("utf-8", "surrogatepass")[:_LONGEST].decode("utf-8", "ignore")
