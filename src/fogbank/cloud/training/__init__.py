"""Training jobs: scripts in AWS's framework images, run as processes, and what SageMaker builds on them, refused."""
