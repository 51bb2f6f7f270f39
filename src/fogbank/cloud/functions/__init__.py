"""Lambda's functions, really running: processes of their own, their logs, their limits, and events that wait for them."""
