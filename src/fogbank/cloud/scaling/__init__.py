"""Application Auto Scaling: how many instances a variant has, by policies and schedules."""
