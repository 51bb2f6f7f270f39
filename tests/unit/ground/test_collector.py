"""The collector looks seldom, and still finds what is left in cycles."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import gc, weakref
from fogbank.ground.collector import collect_seldom
class Node: pass
collect_seldom()
assert gc.get_threshold()[0] >= 50_000 and gc.isenabled()
first = Node(); first.self = first
left = weakref.ref(first); del first
made = [[] for _ in range(200_000)]
assert left() is None
"""


def test_what_is_left_in_cycles_is_still_found() -> None:
    assert subprocess.run([sys.executable, "-c", CODE], check=False).returncode == 0
