"""fogbank: take a trained model to a managed cloud service, on AWS or on an embedded local cloud."""

__version__ = "0.1.0"
