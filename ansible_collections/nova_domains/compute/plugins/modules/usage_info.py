#!/usr/bin/python
# Copyright the nova-domains authors
# Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

from __future__ import annotations

DOCUMENTATION = r"""
---
module: usage_info
short_description: Read who uses a compute host, and how much of it
version_added: 1.0.0
description:
  - Runs C(nova-domains usage) on the host. It adds up what the guests were given, and with O(interval) what they use.
options:
  by:
    description: Add the guests up by these keys, with a row for each combination.
    type: list
    elements: str
    default: [project]
  interval:
    description: Watch the guests for so many seconds, and return what CPU time and memory they use.
    type: float
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
- name: Read who uses the host
  nova_domains.compute.usage_info:
    by: [project, flavor]
  register: used

- name: Watch the running guests for ten seconds
  nova_domains.compute.usage_info:
    state: [running]
    interval: 10
"""

RETURN = r"""
---
usage:
  description: A row for each project, or whatever O(by) says, as C(nova-domains usage -f json) prints them.
  returned: without O(dest)
  type: list
  elements: dict
  sample:
    - project: {id: 66080f174c96d8e25cbd0ba3a1a6bcde, name: acme-shop}
      guests: 3
      running: 3
      vcpus: 8
      memory_mib: 24576
      disk_gib: 80
total:
  description: The same for all of them.
  returned: without O(dest)
  type: dict
  sample: {guests: 3, running: 3, vcpus: 8, memory_mib: 24576, disk_gib: 80}
count:
  description: How many rows there are.
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
            "by": {"type": "list", "elements": "str", "default": ["project"]},
            "interval": {"type": "float"},
        },
        supports_check_mode=True,
        add_file_common_args=True,
    )
    params = module.params
    arguments = ["usage", "--format", "json", *(f"--by={key}" for key in params["by"])]
    if params["interval"] is not None:
        arguments.append(f"--interval={params['interval']}")
    document, text = Tool(module).read(*arguments, *filter_options(params))
    count = len(document["usage"])
    if params["dest"]:
        module.exit_json(count=count, **leave(module, text))
    module.exit_json(
        changed=False, count=count, usage=document["usage"], total=document.get("total")
    )


if __name__ == "__main__":
    main()
