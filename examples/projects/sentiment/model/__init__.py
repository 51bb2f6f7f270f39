"""What makes the model."""
