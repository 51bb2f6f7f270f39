"""Ports of the loopback: free ones are free, taken ones are not."""

from __future__ import annotations

import socket

from fogbank.ground.ports import LOOPBACK, free_port, is_free


def test_a_port_is_free_until_somebody_listens_and_again_when_he_is_gone() -> None:
    port = free_port()
    assert is_free(port)
    with socket.create_server((LOOPBACK, port)) as server:
        assert not is_free(port)
        with socket.create_connection(server.getsockname()) as client:
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first leaves a TIME_WAIT behind, which is in nobody's way
            client.recv(1)
    assert is_free(port)


def test_a_free_port_is_one_that_a_server_can_have() -> None:
    ports = {free_port() for _ in range(5)}

    assert all(1024 <= port <= 65535 for port in ports)
    with socket.create_server((LOOPBACK, ports.pop())):
        pass
