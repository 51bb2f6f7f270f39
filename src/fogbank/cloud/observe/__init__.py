"""What is recorded of traffic: captured data, metrics."""
