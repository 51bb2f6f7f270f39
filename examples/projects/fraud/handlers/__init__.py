"""What runs on a request or an event."""
