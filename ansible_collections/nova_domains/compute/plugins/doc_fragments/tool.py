# Copyright the nova-domains authors
# Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

"""The options that several modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """How nova-domains is run on the host."""

    DOCUMENTATION = r"""
options:
  executable:
    description:
      - The command that runs nova-domains on the host, a word per element.
      - >-
        Without a slash in its first word the command is looked for in the C(PATH) and in C(/opt/nova-domains/bin), where the
        role M(nova_domains.compute.install) puts it.
    type: list
    elements: str
    default: [nova-domains]
  connect:
    description:
      - The URI of the libvirt to ask. Without it nova-domains chooses, as the C(LIBVIRT_DEFAULT_URI) of the host says.
    type: str
  timeout:
    description:
      - Give up on a libvirt daemon that does not answer for so many seconds.
    type: float
    default: 10.0
requirements:
  - nova-domains 0.1.0 or later on the host. The modules import no libvirt.
"""

    READING = r"""
options:
  offline:
    description:
      - Read libvirt's files on the host instead of asking the daemon.
    type: bool
    default: false
  dest:
    description:
      - Leave the document in this file on the host, as nova-domains printed it, and return only how many objects it holds.
      - The folder has to be there. A new file is for its owner only unless O(mode) says otherwise.
    type: path
"""

    FILTERS = r"""
options:
  kind:
    description: Only guests of these kinds, V(nova), V(nova-unstamped), V(foreign) or V(unreadable).
    type: list
    elements: str
    default: []
  manager:
    description: Only guests of these managers. Shell globs, as in all filters that take a name.
    type: list
    elements: str
    default: []
  state:
    description: Only guests in these states, in libvirt's words, such as V(running) or V(shutoff).
    type: list
    elements: str
    default: []
  name:
    description: Only guests with these display names.
    type: list
    elements: str
    default: []
  domain:
    description: Only guests with these libvirt names.
    type: list
    elements: str
    default: []
  project:
    description: Only guests of these projects, by name or id.
    type: list
    elements: str
    default: []
  user:
    description: Only guests of these users, by name or id.
    type: list
    elements: str
    default: []
  flavor:
    description: Only guests of these flavors, by name or id.
    type: list
    elements: str
    default: []
  ip:
    description: Only guests with these fixed addresses, or with one in these CIDRs.
    type: list
    elements: str
    default: []
"""

    PLAN = r"""
options:
  journal:
    description:
      - >-
        Write the journal to this new file on the host. Without it nova-domains makes one in C(/var/lib/nova-domains) for root,
        and returns its path.
    type: path
  patience:
    description:
      - Wait so many seconds for one guest. Libvirt itself gives up on a stuck QEMU after 30.
    type: float
    default: 35.0
attributes:
  check_mode:
    support: full
    description: Asks nova-domains for its plan only. Nothing is written.
  diff_mode:
    support: full
    description: Shows the metadata of each guest that changes, before and after, from nova-domains' own plan.
"""
