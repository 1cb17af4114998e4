"""Fail if fewer than PERCENT of a module's branches are covered: REPORT PERCENT MODULE..."""

import json
import sys


def main(report: str, percent: str, *modules: str) -> int:
    with open(report, encoding="utf-8") as file:
        files = json.load(file)["files"]
    enough = True
    for module in modules:
        summary = files[f"virsh_nova/{module}.py"]["summary"]
        branches, covered = summary["num_branches"], summary["covered_branches"]
        share = 100 * covered / branches if branches else 100.0
        print(f"{module}: {covered} of {branches} branches covered, {share:.1f} %")
        enough = enough and share >= float(percent)
    if not enough:
        print(f"less than {percent} %", file=sys.stderr)
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
