#!/usr/bin/python
# Copyright the nova-domains authors
# Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

from __future__ import annotations

DOCUMENTATION = r"""
---
module: guests_info
short_description: Read the guests of a compute host, and whose they are
version_added: 1.0.0
description:
  - Runs C(nova-domains list) or C(nova-domains show) on the host, and returns what OpenStack Nova recorded in its libvirt domains.
  - It works while Nova, Keystone and the database are down.
options:
  full:
    description:
      - Return everything that is known of each guest, hardware and definitions too, instead of what Nova recorded only.
      - Such a document answers C(nova-domains --files) as the host did.
    type: bool
    default: false
  guests:
    description:
      - Only these guests, in full. Names, ids, uuids or beginnings of uuids, as C(nova-domains show) takes them.
      - It fails if one of them is not on the host.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - nova_domains.compute.tool
  - nova_domains.compute.tool.reading
  - nova_domains.compute.tool.filters
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
    description: Reads all the same. Only O(dest) is not written.
  diff_mode:
    support: none
    description: There is nothing to compare.
author:
  - The nova-domains authors (@nova-domains)
"""

EXAMPLES = r"""
---
- name: Read who has guests on the host
  nova_domains.compute.guests_info:
    state: [running]
  register: here

- name: Show the owners
  ansible.builtin.debug:
    msg: "{{ here.guests | map(attribute='instance.owner.project.name', default='nobody known') | unique }}"

- name: Ask a nova-domains in Kolla's container
  nova_domains.compute.guests_info:
    executable: [podman, exec, nova_libvirt, nova-domains]

- name: Leave everything that is known on the host
  nova_domains.compute.guests_info:
    full: true
    dest: /var/cache/nova-domains/guests.json
"""

RETURN = r"""
---
guests:
  description: An object for each guest, with the keys of nova-domains' JSON document.
  returned: without O(dest)
  type: list
  elements: dict
  sample:
    - host: cmp-001
      uuid: 8dabf68e-2eb7-4728-afea-875e75365e14
      domain: instance-0000002a
      state: running
      kind: nova
count:
  description: How many guests there are.
  returned: success
  type: int
  sample: 1
dest:
  description: Where the document was left.
  returned: with O(dest)
  type: str
  sample: /var/cache/nova-domains/guests.json
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.nova_domains.compute.plugins.module_utils.nova_domains import (
    FILTERS,
    READING,
    Tool,
    filter_options,
    leave,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **READING,
            **FILTERS,
            "full": {"type": "bool", "default": False},
            "guests": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
        add_file_common_args=True,
    )
    options = filter_options(module.params)
    handles = module.params["guests"]
    if handles and options:
        module.fail_json(msg="guests and filters exclude each other")
    if handles:
        arguments = ["show", "--format", "json", "--", *handles]
    else:
        arguments = ["list", "--format", "json", *options]
        if module.params["full"]:
            arguments.append("--full")
    guests, text = Tool(module).read(*arguments)
    if module.params["dest"]:
        module.exit_json(count=len(guests), **leave(module, text))
    module.exit_json(changed=False, count=len(guests), guests=guests)


if __name__ == "__main__":
    main()
