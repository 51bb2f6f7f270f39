"""A processing container's own command as a process: its entry point and arguments, in an environment with its image's libraries.

A script finds its folders where its container would have them: where this system gives a process mounts of its own (Linux with user
namespaces), the job's folder is /opt/ml; elsewhere only arguments and variables that begin with /opt/ml/ are changed. Sources: AWS
Developer Guide, "Build Your Own Processing Container"; user_namespaces(7).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from fogbank.cloud.hosting.environment import programs_of

ROOT = "/opt/ml"
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "sagemaker-scikit-learn": ("joblib", "numpy", "pandas", "scikit-learn", "scipy"),
    "sagemaker-xgboost": ("joblib", "numpy", "pandas", "scikit-learn", "scipy", "xgboost-cpu"),
    "sagemaker-base-python": ("numpy", "pandas"),
}
"""What scripts of a framework's image import, in versions that there are for this Python, by a part of the image's name."""
MOUNT = r"""
set -e
home=$1; hosts=$2; shift 2
if [ -n "$hosts" ]; then
  printf '%s\n' "$hosts" > "$home/.hosts"; mount --bind "$home/.hosts" /etc/hosts; rm "$home/.hosts"
fi
if [ ! -d /opt/ml ]; then
  kept=$home/.opt; mkdir "$kept"
  if [ -d /opt ]; then mount --rbind /opt "$kept"; fi
  mount -t tmpfs none /opt
  for each in "$kept"/*; do
    name=/opt/${each##*/}
    if [ -d "$each" ]; then mkdir "$name"; mount --rbind "$each" "$name"; elif [ -e "$each" ]; then : > "$name"; mount --bind "$each" "$name"; fi
  done
  mkdir /opt/ml
fi
mount --bind "$home" /opt/ml
cd /opt/ml
exec "$@"
"""
"""Shell: the job's folder becomes /opt/ml, all else of /opt stays, the lines of `hosts` become /etc/hosts, and then the command."""


def libraries(image: str) -> tuple[str, ...]:
    """Requirement lines of an image's libraries; none where it is not a framework's.

    >>> libraries("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3")[-2:]
    ('scikit-learn', 'scipy')
    """
    name = re.split(r"[:@]", image.rpartition("/")[2])[0]
    return LIBRARIES.get(name, ())


def mounts() -> bool:
    """Whether a process here may have mounts of its own; where the machine is too slow to say so, it is asked again the next time."""
    try:
        return _mounts()
    except (OSError, subprocess.TimeoutExpired):
        return False


@lru_cache(maxsize=1)
def _mounts() -> bool:
    done = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True, timeout=10, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode == 0


def command(
    words: Sequence[str], home: Path, python: Path, hosts: Mapping[str, str] | None = None, *, mounted: bool
) -> list[str]:
    """The process that stands for a container's command. `python` is what `python` and `python3` are; `hosts` are addresses by the names that
    it knows them by, where it has mounts of its own. Raises FileNotFoundError."""
    first, *rest = words if mounted else [here(word, home) for word in words]
    if re.fullmatch(r"(/usr/bin/|/usr/local/bin/)?python3?(\.\d+)?", first):
        first = str(python)
    elif not first.startswith("/") and shutil.which(first, path=search_path(python)) is None:
        raise FileNotFoundError(first)
    if not mounted:
        return [first, *rest]
    lines = [f"{address} {name}" for name, address in (hosts or {}).items()]
    known = "\n".join(["127.0.0.1 localhost", "::1 localhost", *lines]) if lines else ""
    return ["unshare", "-rm", "sh", "-c", MOUNT, "sh", str(home), known, first, *rest]


def search_path(python: Path) -> str:
    """PATH, with the environment's programs first, and then those of its libraries."""
    return os.pathsep.join([*map(str, programs_of(python)), "/usr/local/bin", "/usr/bin", "/bin"])


def here(word: str, home: Path) -> str:
    """A word that names a place below /opt/ml as that place lies on this machine.

    >>> here("--data=/opt/ml/processing/in", Path("/jobs/1"))
    '--data=/jobs/1/processing/in'
    """
    return re.sub(rf"(?<![^=:,]){ROOT}(?=/|$)", str(home), word)
