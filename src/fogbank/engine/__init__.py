"""Pulumi's own engine: found, installed or built, and driven."""
