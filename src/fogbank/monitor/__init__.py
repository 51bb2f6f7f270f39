"""Data quality: profiles of data, constraints, drift, and the analyzer that SageMaker's processing contract starts."""

from fogbank.monitor.baseline import nothing, suggest
from fogbank.monitor.constraints import drift_distances

__all__ = ["drift_distances", "nothing", "suggest"]
