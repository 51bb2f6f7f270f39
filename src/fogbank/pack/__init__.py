"""Model, handler and dependencies into model.tar.gz and its manifest: same input, same bytes."""

from fogbank.pack.build import Baseline, Trained, build, read_trained
from fogbank.pack.lock import closure

__all__ = ["Baseline", "Trained", "build", "closure", "read_trained"]
