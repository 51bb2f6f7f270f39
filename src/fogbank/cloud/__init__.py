"""The embedded local cloud: AWS's control plane on loopback, and a data plane that really runs things."""
