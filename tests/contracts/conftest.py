"""skops first: importing it asks every module that is loaded for a name, and each of pulumi_aws's, which load when they are asked,
would: half a minute of work in a process of tests that has seen a program.
"""

from __future__ import annotations

import skops.io  # noqa: F401  # for what it does not do later
