"""Model, handler and dependencies into model.tar.gz and its manifest: same input, same bytes."""

from fogbank.pack.build import Baseline, build, image_pins
from fogbank.pack.lock import Installed, Source, read_lock
from fogbank.pack.resolve import resolve
from fogbank.pack.trained import Trained, model_in, read_trained, record_environment

__all__ = [
    "Baseline",
    "Installed",
    "Source",
    "Trained",
    "build",
    "image_pins",
    "model_in",
    "read_lock",
    "read_trained",
    "record_environment",
    "resolve",
]
