"""Monitors: definitions, schedules, executions."""
