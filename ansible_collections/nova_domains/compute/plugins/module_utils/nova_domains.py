# Copyright the nova-domains authors
# Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

"""Run nova-domains on the host, and turn what it prints into a module's result.

Nothing but Python's standard library and Ansible is imported: the program may live in a virtual
environment or a container that the module's Python knows nothing of.
"""

from __future__ import annotations

import json
import os
import re
import typing as t

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

NEEDED = (0, 1, 0)
"""The oldest nova-domains that has all that the modules call."""

VENV = "/opt/nova-domains/bin"
"""Where the role install puts it, which is in nobody's PATH."""

_NOT_RUN = (126, 127)
"""What shells, podman and docker exit with when they cannot run the program."""

COMMON = {
    "executable": {"type": "list", "elements": "str", "default": ["nova-domains"]},
    "connect": {"type": "str"},
    "timeout": {"type": "float", "default": 10.0},
}
"""The options of every module; ``READING`` and ``PLANNING`` are those of its kind."""

READING = {
    **COMMON,
    "offline": {"type": "bool", "default": False},
    "dest": {"type": "path"},
}

PLANNING = {
    **COMMON,
    "journal": {"type": "path"},
    "patience": {"type": "float", "default": 35.0},
}

_FILTERS = ("kind", "manager", "state", "name", "domain", "project", "user", "flavor", "ip")

FILTERS = {key: {"type": "list", "elements": "str", "default": []} for key in _FILTERS}

# What could act on the terminal that Ansible prints a diff or a message on: the same characters
# that nova-domains escapes.
_UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class Answer(t.NamedTuple):
    """What a run of the program left."""

    code: int
    stdout: str
    stderr: str

    @property
    def errors(self) -> str:
        """Its errors with their hints as one line; else the last line of what it said."""
        said: list[str] = []
        for line in self.stderr.splitlines():
            kind, _colon, text = line[len("nova-domains: ") :].partition(": ")
            if not line.startswith("nova-domains: "):
                continue
            if kind == "error":
                said.append(text)
            elif kind == "hint" and said:
                said[-1] += f" ({text})"
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        return visible("; ".join(said or lines[-1:]))

    @property
    def warnings(self) -> list[str]:
        begin = "nova-domains: warning: "
        lines = self.stderr.splitlines()
        return [visible(line[len(begin) :]) for line in lines if line.startswith(begin)]


class Tool:
    """nova-domains on this host. Every method ends the module when it cannot go on."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._command = self._find(module.params["executable"])
        options = module.params
        self._options = ["--quiet", "--timeout", str(options["timeout"])]
        if options["connect"]:
            self._options += ["--connect", options["connect"]]
        if options.get("offline"):
            self._options.append("--offline")

    def read(self, *arguments: str, good: t.Sequence[int] = (0,)) -> tuple[t.Any, str]:
        """What a command that prints JSON printed, as a value and as text."""
        document, answer = self._ask(arguments)
        if answer.code not in good:
            self._fail(f"nova-domains {arguments[0]}: {answer.errors}", answer)
        return document, answer.stdout

    def plan(self, *arguments: str, data: str | None = None) -> tuple[dict[str, t.Any], Answer]:
        """The plan that stamp or undo printed. ``data`` goes to its stdin.

        Whatever the exit code is: when some of the guests failed, the plan says which.
        """
        # What is too old is refused before it is asked to write.
        self._refuse_old(Answer(0, "", ""))
        return self._ask(arguments, data)

    def _ask(self, arguments: t.Sequence[str], data: str | None = None) -> tuple[t.Any, Answer]:
        answer = self._start([*self._options, *arguments], data)
        for warning in answer.warnings:
            self._module.warn(warning)
        try:
            return json.loads(answer.stdout), answer
        except ValueError:
            self._refuse_old(answer)
            said = answer.errors or "it printed no JSON"
            self._fail(f"nova-domains {arguments[0]}: {said}", answer)

    # ---- how it is started

    def _find(self, executable: list[str]) -> list[str]:
        if not executable or not executable[0]:
            self._module.fail_json(msg="executable is empty: give the command as a list")
        program, *arguments = executable
        if os.path.isabs(program):
            is_there = os.path.isfile(program) and os.access(program, os.X_OK)
            path = program if is_there else None
        else:
            path = self._module.get_bin_path(program, opt_dirs=[VENV])
        if path is None:
            self._fail_without(program)
        return [path, *arguments]

    def _fail_without(self, program: str, said: str = "") -> t.NoReturn:
        name = visible(program)
        where = "" if os.path.isabs(program) else f" in the PATH or in {VENV}"
        message = said or f"no executable {name}{where}"
        hint = "install it with the role nova_domains.compute.install, or set executable"
        if " " in program.strip():
            hint = "give a command with arguments as a list"
        self._module.fail_json(msg=f"nova-domains cannot be run on this host: {message} ({hint})")
        raise AssertionError("fail_json does not return")

    def _start(self, arguments: list[str], data: str | None = None) -> Answer:
        answer = Answer(
            *self._module.run_command(
                [*self._command, *arguments],
                data=data,
                # Its documents and its words whatever the locale of the login is.
                environ_update={"LC_ALL": "C.UTF-8", "LANGUAGE": "C", "NO_COLOR": "1"},
            )
        )
        if answer.code in _NOT_RUN:
            self._fail_without(self._command[0], answer.errors)
        return answer

    def _refuse_old(self, answer: Answer) -> None:
        """Fail with both versions if that is why ``answer`` is what it is."""
        said = self._start(["--version"])
        found = re.match(r"nova-domains, version (\d+(?:\.\d+)*)(\S*)", said.stdout)
        if said.code != 0 or found is None:
            command = visible(" ".join(self._command))
            self._fail(f"{command} is not nova-domains: it does not say its version", said)
        if tuple(map(int, found[1].split("."))) < NEEDED:
            needed = ".".join(map(str, NEEDED))
            version = visible(found[1] + found[2])
            self._fail(
                f"nova-domains {version} on this host is too old: "
                f"the collection nova_domains.compute needs {needed} or later",
                answer,
            )

    def _fail(self, message: str, answer: Answer) -> t.NoReturn:
        self._module.fail_json(msg=message, rc=answer.code, stderr=answer.stderr)
        raise AssertionError("fail_json does not return")


# ---- for the modules that read ----------------------------------------------------------------


def filter_options(params: dict[str, t.Any]) -> list[str]:
    """The filters of ``list`` and ``usage`` as command-line options."""
    return [f"--{key}={value}" for key in _FILTERS for value in params[key]]


def leave(module: AnsibleModule, text: str) -> dict[str, t.Any]:
    """Write the document to ``dest`` unless it holds it already; what the result says of it.

    A new file is for its owner only: it holds what tenants typed.
    """
    dest = module.params["dest"]
    data = text.encode("utf-8", "surrogateescape")
    is_new = not os.path.exists(dest)
    if os.path.isdir(dest):
        module.fail_json(msg=f"dest is a folder: {dest}")
    if not os.path.isdir(os.path.dirname(os.path.abspath(dest))):
        if module.check_mode:
            # A task before it would have made the folder.
            return {"changed": True, "dest": dest}
        module.fail_json(msg=f"there is no folder for dest: {dest}")
    changed = is_new or _bytes_of(module, dest) != data
    if changed and not module.check_mode:
        beside = os.path.join(module.tmpdir, "document")
        with open(beside, "wb") as file:
            file.write(data)
        module.atomic_move(beside, dest, unsafe_writes=module.params["unsafe_writes"])
    if is_new and module.params["mode"] is None:
        module.params["mode"] = "0600"
    if not (is_new and module.check_mode):
        attributes = module.load_file_common_arguments(module.params, path=dest)
        changed = module.set_fs_attributes_if_different(attributes, changed)
    return {"changed": changed, "dest": dest}


def _bytes_of(module: AnsibleModule, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        module.fail_json(msg=f"dest cannot be read: {path}: {error.strerror}")
        raise


# ---- for the modules that write ---------------------------------------------------------------


def plan_options(module: AnsibleModule) -> list[str]:
    """How a plan is carried out, or in check mode only shown."""
    options = ["--format=json", f"--patience={module.params['patience']}"]
    options.append("--dry-run" if module.check_mode else "--yes")
    if module.params["journal"]:
        options.append(f"--journal={module.params['journal']}")
    return options


def plan_result(plan: dict[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """The module's result for a plan and what became of it."""
    refused, failures, written = [], [], []
    for guest in plan["guests"]:
        who = {"uuid": guest["uuid"], "domain": guest["domain"]}
        outcome = guest["outcome"]
        if guest["action"] == "refused":
            refused.append({**who, "reason": guest["reason"]})
        elif outcome and outcome["result"] != "done":
            failures.append({**who, "result": outcome["result"], "reason": outcome["why"]})
        elif guest["action"] == "write" and (check_mode or outcome):
            written.append(guest)
    return {
        "changed": bool(written),
        "host": plan["host"],
        "journal": plan["journal"],
        "guests": [
            {key: guest[key] for key in guest if key != "edits"} for guest in plan["guests"]
        ],
        "written": [{"uuid": guest["uuid"], "domain": guest["domain"]} for guest in written],
        "refused": refused,
        "failures": failures,
        "notices": plan["notices"],
        "diff": [part for guest in written for part in _diff(guest)],
    }


def finish(
    module: AnsibleModule, command: str, plan: dict[str, t.Any], answer: Answer
) -> t.NoReturn:
    """End a module that writes: failed if the program says so, with all that was done."""
    result = plan_result(plan, check_mode=module.check_mode)
    if answer.code != 0:
        reasons = [f"{each['domain']}: {each['reason']}" for each in result["failures"]]
        said = answer.errors or visible("; ".join(reasons)) or "not everything was done"
        module.fail_json(
            msg=f"nova-domains {command}: {said}", rc=answer.code, stderr=answer.stderr, **result
        )
    module.exit_json(**result)
    raise AssertionError("exit_json does not return")


def _diff(guest: dict[str, t.Any]) -> t.Iterator[dict[str, str]]:
    """A part for each definition of the guest that changes; both at once where they are alike."""
    by_definition: dict[str, list[tuple[str, str]]] = {}
    for edit in guest["edits"]:
        namespace = edit["namespace"]
        both = (laid_out(edit["before"], namespace), laid_out(edit["after"], namespace))
        by_definition.setdefault(edit["definition"], []).append(both)
    alike: dict[tuple[str, str], list[str]] = {}
    for definition, edits in by_definition.items():
        before, after = ("".join(texts) for texts in zip(*edits))
        alike.setdefault((before, after), []).append(definition)
    for (before, after), definitions in alike.items():
        header = visible(f"{guest['domain']} {guest['uuid']} ({' and '.join(definitions)})")
        yield {
            "before_header": header,
            "after_header": header,
            "before": before,
            "after": after,
        }


def laid_out(xml: str | None, namespace: str) -> str:
    """The element's XML with its namespace and a tag a line, safe for a terminal.

    Nothing for no element. It is for the eye only: a comment is broken at its tags, too.
    """
    declared = re.sub(r"^<[^\s/>]+", rf'\g<0> xmlns="{namespace}"', xml or "")
    depth = 0
    lines = []
    for line in declared.replace("><", ">\n<").splitlines():
        closes = line.startswith("</")
        depth = max(depth - closes, 0)
        lines.append("  " * depth + line)
        depth += line.startswith("<") and not closes and "</" not in line and line[-2:] != "/>"
    return visible("".join(f"{line}\n" for line in lines))


def visible(text: str) -> str:
    """The text with every character that could act on a terminal escaped, but line ends."""
    return _UNSAFE.sub(lambda at: f"\\u{ord(at[0]):04x}", text)
