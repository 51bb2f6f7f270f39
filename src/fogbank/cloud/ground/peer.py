"""Who is at the other end of a connection, and whether that is the user whose cloud this is."""

from __future__ import annotations

from functools import cached_property

from fogbank.ground.peers import Address, Kernel, Owner


class Peer:
    """One connection's other end. Its owner is asked for when it is accepted: later, whoever it was may have closed it."""

    def __init__(self, owner: Owner | None) -> None:
        self._owner = owner

    @property
    def is_users(self) -> bool:
        """Whether it is a process of the cloud's own user, be it one that the cloud has started."""
        return self._owner is not None and self._owner.is_users()

    @property
    def is_anothers(self) -> bool:
        """Whether the kernel says that it is another user's."""
        return self._owner is not None and not self._owner.is_users()

    @property
    def is_known(self) -> bool:
        """Whether that was looked up: what the cloud has started may be many processes, and the event loop does not wait for it."""
        return "is_user" in self.__dict__

    @cached_property
    def is_user(self) -> bool:
        """Whether it is the cloud's own user, and not a process that the cloud has started. Looked up once."""
        return self._owner is not None and self._owner.is_mine()


class Inside(Peer):
    """The cloud itself: a request that never was on a wire."""

    def __init__(self) -> None:
        super().__init__(None)

    @property
    def is_users(self) -> bool:
        """It is."""
        return True

    @cached_property
    def is_user(self) -> bool:
        """It is."""
        return True


INSIDE = Inside()


class Peers:
    """Makes the peers of a server's connections."""

    def __init__(self) -> None:
        self._kernel = Kernel()

    def of(self, ours: Address, theirs: Address) -> Peer:
        """The peer at `theirs`, which is connected to `ours`."""
        return Peer(self._kernel.owner(ours[:2], theirs[:2]))
