"""What is due, and when: the clockwork, expressions, targets."""
