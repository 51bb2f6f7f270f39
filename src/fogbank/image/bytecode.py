"""`python -I -S bytecode.py FOLDER PLACE`: write the bytecode of every module below FOLDER, as if the folder lay at PLACE.

Unchecked-hash files (PEP 552): they hold no time, and the interpreter does not look at the sources again. Bytecode makes a start
quick, and nothing else: what a server does not import at its start does without.
"""

from __future__ import annotations

import py_compile
import sys
import warnings
from pathlib import Path

DEVELOPMENT = {"_pyinstaller", "distutils", "f2py", "quantization", "tools", "transformers"}
"""Folders inside a package that hold its tools for developers: NumPy's and ONNX Runtime's are a tenth of all bytecode."""


def main() -> int:
    """Compile in the order of names; what does not compile (templates, code for another Python) has no bytecode."""
    folder, place = Path(sys.argv[1]), sys.argv[2]
    warnings.simplefilter("ignore")
    for path in sorted(folder.rglob("*.py")):
        if DEVELOPMENT.intersection(path.relative_to(folder).parts[1:]):
            continue
        try:
            py_compile.compile(
                str(path),
                dfile=f"{place}/{path.relative_to(folder)}",
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, ValueError):
            continue
    return 0


if __name__ == "__main__":
    sys.exit(main())
