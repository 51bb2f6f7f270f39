"""Application Auto Scaling: how many instances a variant has, or copies a component, by policies and schedules."""
