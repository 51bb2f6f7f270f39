"""Workers that are killed under traffic: each answer is right, and a request is lost only with the worker that held it."""

from __future__ import annotations

import http.client
import os
import random
import signal
import threading
import time
from pathlib import Path

from tests.contracts.container.served import Subprocess, exchange, with_limits
from tests.packages import signed
from tests.soak.budget import LONG, seed, share
from tests.waiting import until

CONNECTIONS = 32
SHARE = 0.15
KILL_EVERY_S = 5.0 if LONG else 1.5
HANDLER = "def model_fn(d): return 2.0\ndef predict_fn(data, model): return data * model\n"
CSV = {"Content-Type": "text/csv", "Accept": "text/csv"}


class Client(threading.Thread):
    """Sends without pause on one connection; counts what it gets, and what it had sent when its connection broke."""

    def __init__(self, server: Subprocess, number: int, stop: threading.Event) -> None:
        super().__init__(name=f"client-{number}")
        self._server, self._number, self._ending = server, number, stop
        self.right = self.broken = self.refused = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        connection = self._server.connection()
        sent = 0
        while True:
            sent += 1
            try:
                answer = exchange(connection, "POST", "/invocations", f"{self._number},{sent}\n".encode(), CSV)
            except ConnectionRefusedError:
                return  # the server has stopped, as it was told to
            except (OSError, http.client.HTTPException):
                self.broken += 1
                connection.close()
                if self._ending.is_set():
                    return
                continue
            if answer.status == 200 and answer.body == f"{2.0 * self._number},{2.0 * sent}\n".encode():
                self.right += 1
            elif answer.status == 503:
                self.refused += 1
            else:
                self.wrong.append(repr(answer))
            if answer.headers.get("connection") == "close":
                connection.close()


def test_a_killed_worker_takes_along_what_it_held_and_nothing_else(tmp_path: Path) -> None:
    moments = seed()
    chance = random.Random(moments)
    server = Subprocess(with_limits(signed(tmp_path, HANDLER), workers=2))
    stop = threading.Event()
    clients = [Client(server, number, stop) for number in range(1, CONNECTIONS + 1)]
    killed = 0
    try:
        for client in clients:
            client.start()
        ends = time.monotonic() + share(SHARE)
        while time.monotonic() < ends or killed < 3:
            stop.wait(chance.uniform(0.5, 1.5) * KILL_EVERY_S)
            os.kill(chance.choice(server.workers()), signal.SIGKILL)
            killed += 1
            until(lambda: len(server.workers()) == 2)
        seen = [client.right for client in clients]
        until(lambda: all(client.right > before for client, before in zip(clients, seen, strict=True)), 60)
        broken = sum(client.broken for client in clients)
        stop.set()
        status = server.stop()
        for client in clients:
            client.join()
    finally:
        server.close()

    right, refused = sum(client.right for client in clients), sum(client.refused for client in clients)
    about = f"SOAK_SEED={moments}: {right} right, {broken} lost with {killed} killed workers, {refused} refused"
    print(about)
    assert [line for client in clients for line in client.wrong] == [], about
    assert status == 0
    assert sum(client.broken for client in clients) == broken, "the stop at the end has lost nothing"
    # A killed worker takes along what it held: at most one request a connection, and half of the connections are its own.
    assert broken <= killed * CONNECTIONS, about
