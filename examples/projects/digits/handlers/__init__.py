"""What runs on a request."""
