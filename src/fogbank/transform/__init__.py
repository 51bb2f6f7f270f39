"""Batch transform's arithmetic, pure: objects into records, records into requests, replies and records into one output."""
