#!/usr/bin/python
# Copyright the nova-domains authors
# Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stamp
short_description: Write Nova's metadata block onto guests that lack it
version_added: 1.0.0
description:
  - Runs C(nova-domains stamp) on the host. It writes what Nova would have written onto guests that lack their metadata block.
  - Every run writes a journal on the host first. M(nova_domains.compute.undo) takes the run back with it.
  - A guest that has its block already is unchanged, so the task can be repeated.
options:
  guests:
    description: Stamp these guests. Names, ids, uuids or beginnings of uuids. A task that names a guest fails if it is refused.
    type: list
    elements: str
    default: []
  all:
    description: Stamp every Nova guest without the block. With records and without O(guests) that is implied.
    type: bool
    default: false
  derive:
    description: Take facts from the guest itself.
    type: bool
    default: false
  from:
    description:
      - Take facts from these files on the host, such as C(openstack server list --long -f json) or a response of Nova's API.
    type: list
    elements: path
    default: []
  records:
    description:
      - The same as a value, or as the text of such a file. It is sent to the host, and needs no file there.
    type: raw
  projects:
    description: Files on the host with names for project ids.
    type: list
    elements: path
    default: []
  users:
    description: Files on the host with names for user ids.
    type: list
    elements: path
    default: []
  flavors:
    description: Files on the host with details of flavors.
    type: list
    elements: path
    default: []
  images:
    description: Files on the host with details of images.
    type: list
    elements: path
    default: []
  ports:
    description: Files on the host with ports as Neutron lists them.
    type: list
    elements: path
    default: []
  cloud:
    description: Ask this cloud of the host's C(clouds.yaml), or V(envvars) for C(OS_*).
    type: str
  set:
    description: Set facts, by their keys in nova-domains' JSON document.
    type: dict
    default: {}
  overwrite:
    description: Replace the block of guests that have one.
    type: bool
    default: false
  fill:
    description: Add only what the block of a guest is missing.
    type: bool
    default: false
  force:
    description: Also stamp guests of O(guests) that are not Nova's.
    type: bool
    default: false
  release:
    description: Write what this release of Nova writes, V(29), V(2024.1) or V(caracal). Without it that is the newest.
    type: str
  provenance:
    description: Mark the block as backfilled.
    type: bool
    default: true
extends_documentation_fragment:
  - nova_domains.compute.tool
  - nova_domains.compute.tool.plan
author:
  - The nova-domains authors (@nova-domains)
"""

EXAMPLES = r"""
---
- name: Stamp what Nova knows of, from a file on the controller
  nova_domains.compute.stamp:
    derive: true
    records: "{{ lookup('ansible.builtin.file', 'servers.json') }}"
  register: stamped

- name: Stamp one guest by hand
  nova_domains.compute.stamp:
    guests: [3e44bc05-fa21-4d55-947e-7e073ea5fdcb]
    derive: true
    set:
      name: web-1
      flavor.name: m1.small
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

import json

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.nova_domains.compute.plugins.module_utils.nova_domains import (
    PLANNING,
    Tool,
    finish,
    plan_options,
)

FILES = ("from", "projects", "users", "flavors", "images", "ports")
FLAGS = ("all", "derive", "overwrite", "fill", "force")


def source_options(module: AnsibleModule) -> list[str]:
    """Where the facts come from, as options of ``stamp``."""
    params = module.params
    options = [f"--{key}={path}" for key in FILES for path in params[key]]
    if params["records"] is not None:
        options.append("--from=-")
    if params["cloud"]:
        options.append(f"--cloud={params['cloud']}")
    for key, value in params["set"].items():
        if value is None or isinstance(value, list):
            module.fail_json(msg=f"set: {key}: give a text, a number, or texts by key")
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        options.append(f"--set={key}={text}")
    return options


def text_of(records: object) -> str | None:
    """What goes to the stdin of ``stamp``. A text is sent as it is, a value as JSON."""
    if records is None or isinstance(records, str):
        return records
    return json.dumps(records)


def main() -> None:
    files = {"type": "list", "elements": "path", "default": []}
    flag = {"type": "bool", "default": False}
    module = AnsibleModule(
        argument_spec={
            **PLANNING,
            **dict.fromkeys(FILES, files),
            **dict.fromkeys(FLAGS, flag),
            "guests": {"type": "list", "elements": "str", "default": []},
            "records": {"type": "raw"},
            "cloud": {"type": "str"},
            "set": {"type": "dict", "default": {}},
            "release": {"type": "str"},
            "provenance": {"type": "bool", "default": True},
        },
        mutually_exclusive=[("overwrite", "fill")],
        supports_check_mode=True,
    )
    params = module.params
    arguments = ["stamp", *plan_options(module), *source_options(module)]
    arguments += [f"--{key}" for key in FLAGS if params[key]]
    if params["release"]:
        arguments.append(f"--release={params['release']}")
    if not params["provenance"]:
        arguments.append("--no-provenance")
    plan, answer = Tool(module).plan(
        *arguments, "--", *params["guests"], data=text_of(params["records"])
    )
    finish(module, "stamp", plan, answer)


if __name__ == "__main__":
    main()
