"""A stack's account: reached, looked at before anything bills, adopted from, and proved by one bounded run."""
