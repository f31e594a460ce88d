"""Run the named parts (all without names), print their tables, write build/bench.json."""
from __future__ import annotations

import importlib
import json
import platform
import resource
import sys
import time

from tools.bench import PARTS
from tools.bench.common import ROOT, SHARED, machine


def main(names: list[str]) -> int:
    """Run the parts.  Returns 0, or 2 if a name is unknown.  Results of earlier runs of other parts are kept."""
    unknown = [n for n in names if n not in PARTS]
    if unknown:
        print(f"bench: no part {unknown[0]!r}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    print(f"{machine()}; Python {platform.python_version()}")
    if not SHARED.is_dir():
        print(f"{SHARED} is not there: parts that need real clips or portraits are left out (set TFG_SHARED).")
    out = ROOT / "build" / "bench.json"
    out.parent.mkdir(exist_ok=True)
    results: dict = json.loads(out.read_text()) if out.is_file() else {}
    for name in names or PARTS:
        start = time.perf_counter()
        results[name] = {"machine": machine(), "result": importlib.import_module(f"tools.bench.{name}").run()}
        print(f"  [{name}: {time.perf_counter() - start:.0f} s]", flush=True)
        out.write_text(json.dumps(results, indent=1, default=float) + "\n")
    print(f"\npeak memory of this run {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
