"""The table's rows, one file an AWS service."""
