"""What every room may stand on and that knows none of them: digests, archives, locks, ports, processes, the one AWS client factory."""
