"""Check: a package rehearsed as SageMaker would run it, and every way in which it would fail there, told apart with its fix."""

from fogbank.check.diagnose import diagnose
from fogbank.check.findings import Finding, Report
from fogbank.check.run import Conditions, check_artifact

__all__ = ["Conditions", "Finding", "Report", "check_artifact", "diagnose"]
