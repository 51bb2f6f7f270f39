"""What a project's own tests use: a pytest plugin with a local cloud of the test's own, and Pulumi programs on it."""

from fogbank.testing.cloud import CloudProcess
from fogbank.testing.deployment import Deployment, deploy_with_engine, deploy_with_mocks

__all__ = ["CloudProcess", "Deployment", "deploy_with_engine", "deploy_with_mocks"]
