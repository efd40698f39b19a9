"""`doctor`: what works on this machine, and what to do about what does not."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from core.commands import doctor_checks as checks
from core.commands.doctor_checks import Finding, Level

CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    checks.check_python,
    checks.check_packages,
    checks.check_graphics,
    checks.check_landmarks,
    checks.check_speech,
    checks.check_cameras,
    checks.check_ports,
    checks.check_programs,
    checks.check_model_packs,
)


def add_parser(subparsers: Any) -> None:
    """Adds `doctor`."""
    parser = subparsers.add_parser("doctor", help="what works on this machine, and what to do about the rest")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints one line a finding; 1 where one of them is a problem."""
    findings: list[Finding] = []
    for check in CHECKS:
        for finding in check():
            findings.append(finding)
            if not arguments.json:
                print(line_of(finding), flush=True)
    problems = sum(finding.level is Level.PROBLEM for finding in findings)
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        print(f"{problems} problem{'' if problems == 1 else 's'}." if problems else "Everything needed works.")
    return 1 if problems else 0


def line_of(finding: Finding) -> str:
    """`ok       graphics: ...`, with the advice behind an arrow."""
    advice = f" -> {finding.advice}" if finding.advice else ""
    return f"{finding.level.value:<8} {finding.name}: {finding.text}{advice}"
