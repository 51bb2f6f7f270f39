"""Pulumi resource providers: the local stand-in for `aws`."""
