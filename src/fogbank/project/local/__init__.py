"""The local cloud of a project: its process, and what it may run."""
