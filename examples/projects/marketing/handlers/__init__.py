"""What runs on a batch's rows."""
