"""The model registry, and what finds resources by what they say and by their tags."""
