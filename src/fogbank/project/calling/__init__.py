"""What is asked of what runs: endpoints invoked, files scored, logs read."""
