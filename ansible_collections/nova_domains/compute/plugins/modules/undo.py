#!/usr/bin/python
# Copyright the nova-domains authors
# Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

from __future__ import annotations

DOCUMENTATION = r"""
---
module: undo
short_description: Take back what a run of stamp wrote
version_added: 1.0.0
description:
  - Runs C(nova-domains undo) on the host. Each guest of the run gets its old metadata back.
  - A guest that was changed after the run is skipped, and the task fails.
  - A run that is undone already is left as it is, so a task that names its run can be repeated.
options:
  run:
    description:
      - The run to take back, the path of its journal on the host, or its name as C(nova-domains undo --list) shows it.
      - >-
        V(newest) is the newest run of stamp on this host that is not undone yet. If there is none, nothing is changed. Each
        such task takes one run back, so it must not be repeated without need.
    type: str
    required: true
extends_documentation_fragment:
  - nova_domains.compute.tool
  - nova_domains.compute.tool.plan
author:
  - The nova-domains authors (@nova-domains)
"""

EXAMPLES = r"""
---
- name: Take back what a task before wrote
  nova_domains.compute.undo:
    run: "{{ stamped.journal }}"
  when: stamped.journal

- name: Take the newest run back
  nova_domains.compute.undo:
    run: newest
"""

RETURN = r"""
---
host:
  description: The host's name as libvirt gives it.
  returned: when there is a plan
  type: str
  sample: cmp-001
guests:
  description:
    - Each guest of the plan, with the RV(ignore:action) V(write), V(unchanged) or V(refused) and its reason, the fields that change, notes,
      and the outcome once it was written to.
  returned: when there is a plan
  type: list
  elements: dict
  sample:
    - uuid: 3e44bc05-fa21-4d55-947e-7e073ea5fdcb
      domain: instance-00000019
      action: write
      outcome: {result: done, why: null}
written:
  description: The guests that were written to; in check mode those that would be.
  returned: when there is a plan
  type: list
  elements: dict
  sample:
    - uuid: 3e44bc05-fa21-4d55-947e-7e073ea5fdcb
      domain: instance-00000019
refused:
  description: The guests that nova-domains refuses to write to, and why. Only a guest that was named makes the task fail.
  returned: when there is a plan
  type: list
  elements: dict
  sample:
    - uuid: 7a98714f-9023-4de7-a32a-a9defed43229
      domain: web
      reason: it cannot be read
failures:
  description:
    - The guests that were not written to although the plan said so, and why. The result is V(changed), V(failed), V(unanswered) or V(left).
  returned: when there is a plan
  type: list
  elements: dict
  sample:
    - uuid: d97b001b-3581-437a-8892-29e0e9a5642c
      domain: instance-0000001e
      result: unanswered
      reason: no answer within 35 seconds
notices:
  description: Records that match no guest, or contradict each other or the host, and guests that are gone.
  returned: when there is a plan
  type: list
  elements: dict
  sample: []
journal:
  description: The journal of the run on the host, which M(nova_domains.compute.undo) takes.
  returned: when there is a plan; null if nothing was written
  type: str
  sample: /var/lib/nova-domains/2026-11-25T14-18-12Z-stamp.jsonl
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.nova_domains.compute.plugins.module_utils.nova_domains import (
    PLANNING,
    Tool,
    finish,
    plan_options,
)


def has_run(tool: Tool) -> bool:
    """Whether a run of stamp is there that is not undone."""
    runs, _text = tool.read("undo", "--list", "--format=json")
    return any(run["command"] == "stamp" and run["state"] != "undone" for run in runs)


def main() -> None:
    module = AnsibleModule(
        argument_spec={**PLANNING, "run": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    run = module.params["run"]
    tool = Tool(module)
    arguments = ["undo", *plan_options(module)]
    if run != "newest":
        arguments += ["--", run]
    elif not has_run(tool):
        module.exit_json(changed=False, guests=[], written=[], refused=[], failures=[], notices=[])
    plan, answer = tool.plan(*arguments)
    finish(module, "undo", plan, answer)


if __name__ == "__main__":
    main()
