"""Model, handler and dependencies into model.tar.gz and its manifest: same input, same bytes."""

from fogbank.pack.build import Baseline, build, handler_loads, image_pins, lock_lines, locked_pins
from fogbank.pack.code import code_files
from fogbank.pack.fitted import Fitted, answer_of, fitted_from
from fogbank.pack.imports import imported_distributions
from fogbank.pack.lock import LOCK_FILES, LOCKED, Installed, Source, read_lock
from fogbank.pack.look import look_at
from fogbank.pack.look_files import READERS as MODEL_SUFFIXES
from fogbank.pack.looked import Look
from fogbank.pack.resolve import differences, resolve
from fogbank.pack.trained import Trained, model_in, read_trained, record_environment

__all__ = [
    "LOCKED",
    "LOCK_FILES",
    "MODEL_SUFFIXES",
    "Baseline",
    "Fitted",
    "Installed",
    "Look",
    "Source",
    "Trained",
    "answer_of",
    "build",
    "code_files",
    "differences",
    "fitted_from",
    "handler_loads",
    "image_pins",
    "imported_distributions",
    "lock_lines",
    "locked_pins",
    "look_at",
    "model_in",
    "read_lock",
    "read_trained",
    "record_environment",
    "resolve",
]
