"""Model, handler and dependencies into model.tar.gz and its manifest: same input, same bytes."""

from fogbank.pack.build import Baseline, build
from fogbank.pack.lock import closure
from fogbank.pack.trained import Trained, model_in, read_trained

__all__ = ["Baseline", "Trained", "build", "closure", "model_in", "read_trained"]
