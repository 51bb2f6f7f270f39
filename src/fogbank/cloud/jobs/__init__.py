"""What runs to an end: transform and processing jobs, and the one owner of threads."""
