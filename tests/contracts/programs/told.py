"""What the stack tells every program."""

import pulumi

config = pulumi.Config()
name = config.require("name")
later = config.get_bool("later") or False
"""Whether it is the second round, in which each program has changed something."""
PROGRAMS = (
    "network",
    "arrivals",
    "promotion",
    "regions",
    "front",
    "watch",
    "scaling",
    "nightly",
    "images",
    "stewardship",
)
