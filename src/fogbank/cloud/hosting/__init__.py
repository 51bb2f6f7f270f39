"""Endpoints: instances, fleets, rollouts and the traffic between them."""
