"""Hyperparameter tuning jobs: training jobs with values that a strategy chooses, and the best of them."""
