"""Where a project lies and what it is run by: its settings, this installation, the environments of models, and what happens, as events."""
