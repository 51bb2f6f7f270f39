"""The least policies: for who deploys, and for what runs."""
