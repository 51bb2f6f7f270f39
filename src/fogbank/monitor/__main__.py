"""`python -m fogbank.monitor`: the analyzer's entry point. Exit codes: 0 completed (with or without violations), 1 failed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fogbank.contracts.monitoring import analyzer_settings
from fogbank.monitor.analyzer import analyze
from fogbank.monitor.dataset import DatasetError


def main() -> int:
    """Analyze what the environment says; a failure's reason goes to /opt/ml/output/message."""
    try:
        sys.stdout.write(analyze(analyzer_settings(os.environ)) + "\n")
        return 0
    except KeyError as error:
        reason = f"the environment variable {error} is missing"
    except (DatasetError, ValueError) as error:
        reason = str(error)
    message = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")) / "output" / "message"
    message.parent.mkdir(parents=True, exist_ok=True)
    message.write_text(reason[:1024])
    sys.stderr.write(reason + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
