"""Data quality: profiles of data, constraints, drift, and the analyzer that SageMaker's processing contract starts."""

from fogbank.monitor.baseline import suggest

__all__ = ["suggest"]
