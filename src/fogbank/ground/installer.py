"""uv, as it is asked for what somebody else may have named: nothing is built, and it sees of this machine only what is uv's own.

In: uv's arguments; out: how it ended. What is built runs code of whoever wrote it, so nothing is; the indexes are those that the user
has set for uv (its files, `UV_DEFAULT_INDEX`, ...).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from fogbank.ground.processes import run_bound

KEPT = frozenset(
    {
        "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
        "XDG_DATA_HOME", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    }
)  # fmt: skip
"""Where uv finds its cache and its settings, and how it reaches an index."""
NOT_KEPT = frozenset({"UV_COMPILE_BYTECODE"})
"""It would start the Python of an environment with what was just installed in it."""
NOTHING_BUILT = "--no-build"
LINK_MODE, LINK_MODES = "UV_LINK_MODE", ("hardlink", "copy", "clone")
"""The first unless the environment says another: links into uv's cache (symlink, which uv's settings may say) would lead out of an environment.
Where there can be no hard links, uv copies."""


def _link_mode(environment: Mapping[str, str]) -> str:
    own = environment.get(LINK_MODE, "")
    return own if own in LINK_MODES else LINK_MODES[0]


def installer_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What uv is given of an environment.

    >>> installer_environment({"UV_DEFAULT_INDEX": "https://index.example", "AWS_SECRET_ACCESS_KEY": "secret"})
    {'UV_DEFAULT_INDEX': 'https://index.example'}
    """
    return {
        name: value
        for name, value in environment.items()
        if (name.upper() in KEPT or name.startswith("UV_")) and name not in NOT_KEPT
    }


def run_uv(arguments: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[str]:
    """How uv ended, and what it printed. Raises FileNotFoundError, subprocess.TimeoutExpired."""
    from uv import find_uv_bin

    return run_bound(
        [find_uv_bin(), *arguments], limit_s, {**installer_environment(os.environ), LINK_MODE: _link_mode(os.environ)}
    )
