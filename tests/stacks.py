"""Settings of the stacks that tests deploy."""

from __future__ import annotations

import yaml


def team_stack(url: str, **own: str) -> str:
    """A stack as a platform team has it, on a local cloud; `own` are the program's settings."""
    settings = {
        "aws:region": "us-east-1",
        "aws:skipCredentialsValidation": "true",
        "aws:endpoints": [{"s3": url}],
        "aws:defaultTags": {"tags": {"team": "fraud"}},
        **{f"p:{key}": value for key, value in own.items()},
    }
    text: str = yaml.safe_dump({"config": settings})
    return text
