"""What a project's own tests use: a pytest plugin with a local cloud of the test's own, and Pulumi programs on it."""

from fogbank.testing.cloud import CloudProcess
from fogbank.testing.deployment import Deployment, deploy_with_engine, deploy_with_mocks
from fogbank.testing.policy import broken_rules

__all__ = ["CloudProcess", "Deployment", "broken_rules", "deploy_with_engine", "deploy_with_mocks"]
