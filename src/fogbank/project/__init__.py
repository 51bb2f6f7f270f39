"""What the product does for a project: train, pack, check, deploy, invoke, transform, monitor. It prints nothing; faces do."""
