"""What every room of the cloud stands on: its store, its clock, its event stream, HTTP as it sees it."""
