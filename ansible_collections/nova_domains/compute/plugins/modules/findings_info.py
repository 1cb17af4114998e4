#!/usr/bin/python
# Copyright the nova-domains authors
# Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

from __future__ import annotations

DOCUMENTATION = r"""
---
module: findings_info
short_description: Compare what Nova recorded with the actual guests of a host
version_added: 1.0.0
description:
  - Runs C(nova-domains check) on the host, and returns every mismatch it found. Findings are no failure of the task.
options:
  guests:
    description: Only these guests. Names, ids, uuids or beginnings of uuids.
    type: list
    elements: str
    default: []
  severity:
    description: Return only findings of this severity and above.
    type: str
    choices: [error, warning, note]
    default: warning
  ignore:
    description: Leave out findings of these codes.
    type: list
    elements: str
    default: []
  leftover:
    description: How long a libguestfs appliance, or another such tool, may run, as in V(90s), V(10m) or V(1h).
    type: str
  nova_version:
    description: Compare the guests with this Nova, V(34) or V(2026.1). Without it that is the newest on the host.
    type: str
  against:
    description:
      - A file on the host with what Nova says, such as C(openstack server list --long -f json). It must list all servers of the host.
    type: path
  cloud:
    description: Compare with this cloud of the host's C(clouds.yaml), or with V(envvars) for C(OS_*).
    type: str
extends_documentation_fragment:
  - nova_domains.compute.tool
  - nova_domains.compute.tool.reading
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
- name: Look for mismatches
  nova_domains.compute.findings_info:
    ignore: [older-nova]
  register: check

- name: Stop where something is in error
  ansible.builtin.assert:
    that: check.counts.error == 0
    fail_msg: "{{ check.findings | map(attribute='code') | unique | join(', ') }}"
"""

RETURN = r"""
---
findings:
  description: An object for each finding, as C(nova-domains check -f json) prints them.
  returned: without O(dest)
  type: list
  elements: dict
  sample:
    - host: cmp-001
      uuid: 3e44bc05-fa21-4d55-947e-7e073ea5fdcb
      domain: instance-00000019
      severity: warning
      code: no-block
      title: no metadata block
      consequence: the host cannot say whose it is
counts:
  description: How many findings there are of each severity.
  returned: success
  type: dict
  sample: {error: 0, warning: 1, note: 0}
dest:
  description: Where the document was left.
  returned: with O(dest)
  type: str
  sample: /var/cache/nova-domains/guests.json
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.nova_domains.compute.plugins.module_utils.nova_domains import (
    READING,
    Tool,
    leave,
)

SEVERITIES = ("error", "warning", "note")
FOUND = 4
"""The exit code of a check that found something."""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **READING,
            "guests": {"type": "list", "elements": "str", "default": []},
            "severity": {"type": "str", "choices": list(SEVERITIES), "default": "warning"},
            "ignore": {"type": "list", "elements": "str", "default": []},
            "leftover": {"type": "str"},
            "nova_version": {"type": "str"},
            "against": {"type": "path"},
            "cloud": {"type": "str"},
        },
        supports_check_mode=True,
        add_file_common_args=True,
    )
    params = module.params
    arguments = ["check", "--format", "json", f"--severity={params['severity']}"]
    arguments += [f"--ignore={code}" for code in params["ignore"]]
    for key in ("leftover", "nova_version", "against", "cloud"):
        if params[key]:
            arguments.append(f"--{key.replace('_', '-')}={params[key]}")
    findings, text = Tool(module).read(*arguments, "--", *params["guests"], good=(0, FOUND))
    counts = {
        severity: sum(finding["severity"] == severity for finding in findings)
        for severity in SEVERITIES
    }
    if params["dest"]:
        module.exit_json(counts=counts, **leave(module, text))
    module.exit_json(changed=False, counts=counts, findings=findings)


if __name__ == "__main__":
    main()
