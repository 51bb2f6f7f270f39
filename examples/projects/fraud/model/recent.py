"""`python -m model.recent`: what people have found out about recent payments, into .fogbank/recent/: rows to train on, and others to judge by.

Out: train.csv and labelled.csv, the label first, without a header. Yours come from where fraud is reported.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.data import now

RECENT = Path(__file__).parent.parent / ".fogbank" / "recent"


def main() -> None:
    """Write both."""
    RECENT.mkdir(parents=True, exist_ok=True)
    for name, count, seed in (("train.csv", 800, 2), ("labelled.csv", 400, 3)):
        rows, labels = now(count, seed)
        np.savetxt(RECENT / name, np.column_stack([labels, rows]), fmt="%g", delimiter=",")
    print(f"800 rows to train on and 400 to judge by, in {RECENT}")


if __name__ == "__main__":
    main()
