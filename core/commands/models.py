"""`models list` and `models fetch NAME`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from core.assets.download import fetch_pack
from core.assets.registry import PACKS, ModelPack, PackStatus, models_folder, pack, pack_status
from core.head_model.flame_files import FLAME_PACKS, companions_beside


def add_parser(subparsers: Any) -> None:
    """Adds `models` with its two actions."""
    parser = subparsers.add_parser("models", help="optional model packs: what there is, and fetching one")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="every optional pack: present or not, licence, where to get it")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=run_list)
    fetch = actions.add_parser("fetch", help="fetch one from its official place")
    fetch.add_argument("name", metavar="NAME", help="a name of 'models list'")
    fetch.set_defaults(run=run_fetch)


def run_list(arguments: argparse.Namespace) -> int:
    """Prints the packs."""
    if arguments.json:
        print(json.dumps([_row(p) for p in PACKS], indent=2))
        return 0
    print(f"Optional model packs in {models_folder().resolve()} (set LIVE_AVATAR_MODELS to use another folder).")
    print("None of them is needed.")
    for model_pack in PACKS:
        use = "" if model_pack.used else "; this version does not use it yet"
        print(f"\n{model_pack.name}: {pack_status(model_pack).value}{use}")
        print(f"  what     {model_pack.title}: {model_pack.improves}")
        print(f"  licence  {model_pack.licence}")
        print(f"  from     {model_pack.page}")
        print(f"  file     {model_pack.path()}")
        for note in _flame_notes(model_pack):
            print(f"  note     {note}")
    return 0


def _flame_notes(model_pack: ModelPack) -> tuple[str, ...]:
    """What lacks beside a FLAME model that is here, and what is done without; () for everything else."""
    if model_pack.name not in FLAME_PACKS or pack_status(model_pack) is not PackStatus.PRESENT:
        return ()
    beside = companions_beside(model_pack.path())
    return (beside.missing, *beside.notes) if beside.missing else beside.notes


def _row(model_pack: ModelPack) -> dict[str, object]:
    return {
        "name": model_pack.name,
        "title": model_pack.title,
        "status": pack_status(model_pack).value,
        "used": model_pack.used,
        "licence": model_pack.licence,
        "page": model_pack.page,
        "improves": model_pack.improves,
        "file": str(model_pack.path()),
        "notes": list(_flame_notes(model_pack)),
    }


def run_fetch(arguments: argparse.Namespace) -> int:
    """Fetches one pack and prints where it lies."""
    from core.commands.progress import byte_progress

    model_pack = pack(arguments.name)
    if pack_status(model_pack) is PackStatus.PRESENT:
        print(f"{model_pack.path()} is there already.")
        return 0
    bar, move = byte_progress(model_pack.title, model_pack.size_bytes or 0)
    with bar:
        path = fetch_pack(model_pack, progress=move)
    print(path)
    return 0
