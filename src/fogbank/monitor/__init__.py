"""Data quality: profiles of data, constraints, drift, and the analyzer that SageMaker's processing contract starts."""

from fogbank.monitor.baseline import nothing, suggest
from fogbank.monitor.constraints import drift_distances
from fogbank.monitor.curves import scored
from fogbank.monitor.edited import constraint_problems
from fogbank.monitor.estimate import audited, estimated
from fogbank.monitor.joint import Separation, domain_classifier
from fogbank.monitor.sequential import Evidence, Sequential, Stream
from fogbank.monitor.shifts import shifts

__all__ = [
    "Evidence",
    "Separation",
    "Sequential",
    "Stream",
    "audited",
    "constraint_problems",
    "domain_classifier",
    "drift_distances",
    "estimated",
    "nothing",
    "scored",
    "shifts",
    "suggest",
]
