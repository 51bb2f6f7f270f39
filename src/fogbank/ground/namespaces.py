"""Namespaces: what Linux lets a user give a process of its own: mounts, processes, users, a network; and a process that is walled so.

Run as a file it is what stands between the cloud and a walled process: it takes a wall, word by word, and a command, covers what is not the
process's to see, and goes on in a first process of the new namespace, which starts the command, hands signals on and buries what is left
to it. Whichever of the two ends, the kernel ends everything in the namespace with it. It must be run by a Python with one thread; it
imports the standard library alone.

Sources: user_namespaces(7), pid_namespaces(7), mount_namespaces(7), capabilities(7), prctl(2), setrlimit(2), mount_setattr(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import select
import signal
import stat
import struct
import sys

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 8, 32, 4096, 16384
MS_PRIVATE, MS_SLAVE = 1 << 18, 1 << 19
LOCKED = (
    ((os.ST_NOSUID, MS_NOSUID), (os.ST_NODEV, MS_NODEV), (os.ST_NOEXEC, MS_NOEXEC)) if sys.platform == "linux" else ()
)
ATIMES = ((1024, 1024), (2048, 2048), (4096, 1 << 21))
"""What a mount has and must keep: as statvfs(3) and as mount(2) say it."""
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - what everybody may write to, root behind a wall too
KERNELS = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")
"""What of a namespace's /proc is the whole machine's, and root's to write to without any capability."""
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
LAST_CAPABILITY, CAP_SETFCAP = 63, 31
"""The one that root keeps lets it make user namespaces in turn, which others may as well."""
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGCONT)
STANDARD, MOST_DESCRIPTORS = 3, 1 << 30
NOT_BEGUN = 126
"""The exit status of a process that could not be walled, or whose command could not be run; its standard error says why."""


def library() -> ctypes.CDLL:
    """The C library. Raises OSError, AttributeError where it is not Linux's."""
    libc = ctypes.CDLL(None, use_errno=True)
    _ = libc.unshare, libc.mount
    return libc


def call(result: int) -> None:
    """Raises OSError for what a call of the C library answered, where that says so."""
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def bind(libc: ctypes.CDLL, source: str, target: str, *, read_only: bool) -> None:
    """Let `target` be what `source` is, with all that is mounted below it. Raises OSError."""
    place = target.encode()
    call(libc.mount(source.encode(), place, None, MS_BIND | MS_REC, None))
    if read_only:
        freeze(libc, target)


def freeze(libc: ctypes.CDLL, target: str) -> None:
    """Let nobody write to a mount any more: a user's namespace must keep what else the mount has. Raises OSError."""
    has = os.statvfs(target).f_flag
    kept = sum(flag for said, flag in (*LOCKED, *ATIMES) if has & said)
    call(libc.mount(b"none", target.encode(), None, MS_REMOUNT | MS_BIND | MS_RDONLY | kept, None))


def let_write(libc: ctypes.CDLL, target: str, *, may: bool, below: bool = False) -> None:
    """Let a mount be written to or not, and with `below` all that is mounted below it. Raises OSError, also before Linux 5.12."""
    changed = struct.pack("=QQQQ", *((0, MOUNT_ATTR_RDONLY) if may else (MOUNT_ATTR_RDONLY, 0)), 0, 0)
    numbers = (SYS_MOUNT_SETATTR, AT_FDCWD, target.encode(), AT_RECURSIVE if below else 0, changed, len(changed))
    call(libc.syscall(*(ctypes.c_long(each) if isinstance(each, int) else each for each in numbers)))


def keep_machine(libc: ctypes.CDLL) -> bool:
    """Let root write to no file of the machine but in what is everybody's, and to no disk; whether this kernel lets it be so."""
    kept = [place for place in SHARED if os.path.isdir(place)]  # noqa: PTH112 - as above
    for place in kept:
        bind(libc, place, place, read_only=False)
    changed = _with_all_below(libc, "/", may=False)
    for place in kept:
        _with_all_below(libc, place, may=True)
    for folder, folders, names in os.walk("/dev"):
        folders[:] = [name for name in folders if f"{folder}/{name}" not in SHARED]
        for path in (f"{folder}/{name}" for name in names):
            with contextlib.suppress(FileNotFoundError):  # it was taken out meanwhile
                if stat.S_ISBLK(os.lstat(path).st_mode) or path.startswith("/dev/sg"):
                    bind(libc, "/dev/null", path, read_only=False)
    return changed


def _with_all_below(libc: ctypes.CDLL, target: str, *, may: bool) -> bool:
    """Whether it was changed. Where one of the mounts below it cannot be they are all left as they are; before Linux 5.12 it is too."""
    for below in (True, False):
        with contextlib.suppress(OSError):
            let_write(libc, target, may=may, below=below)
            return True
    return False


def own_proc(libc: ctypes.CDLL) -> None:
    """Let /proc tell of this namespace's processes alone. Raises OSError."""
    call(libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None))


def loopback_up() -> None:
    """Let a new network namespace have its loopback. Raises OSError."""
    import socket  # most processes need it not, and wait for what is imported

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(probe, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def map_user(inside: int, user: int, group: int) -> None:
    """Be this user, by the number `inside`, in a user namespace that was made just now. Raises OSError."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {user} 1"),
        ("gid_map", f"{group if inside else 0} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - pathlib would be most of this process's memory
            file.write(text)


class Told:
    """A wall as it is said on a command line: `name=value` words, of which some come more than once."""

    def __init__(self, words: list[str]) -> None:
        self._said = [word.partition("=")[::2] for word in words]
        self.limits = [(name, int(most)) for name, _, most in (each.partition(":") for each in self.every("limit"))]
        self.hidden, self.seen, self.own = self.every("hidden"), self.every("seen"), self.every("own")
        self.lifeline, self.processes = int(self.every("lifeline")[0]), int(self.every("processes")[0])
        self.walled, self.network = bool(self.every("walled")), bool(self.every("network"))

    def every(self, wanted: str) -> list[str]:
        """The values of a name."""
        return [value for name, value in self._said if name == wanted]


def main(wall: Told, command: list[str]) -> None:
    """Run the command behind the wall; ends as it ended."""
    for limit, most in wall.limits:
        _limit(limit, most)
    if not wall.walled:
        _become(command)
    ended, tell = os.pipe()
    user, group, libc = os.geteuid(), os.getegid(), library()
    network = 0 if wall.network else CLONE_NEWNET
    call(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | network))
    map_user(user, user, group)
    if network:
        loopback_up()
    here = os.getcwd()  # noqa: PTH109 - pathlib is not imported
    _cover(libc, user, wall.hidden, {**dict.fromkeys(wall.seen, True), **dict.fromkeys(wall.own, False)})
    os.chdir(here)
    first = os.fork()
    if first == 0:
        _be_first(libc, wall, command, tell)
    os.close(tell)
    _close_but(ended, wall.lifeline)
    _hand_on(first)
    _wait(first, wall.lifeline)
    said = os.read(ended, 4)
    _end_like(int.from_bytes(said, "little") if said else int(signal.SIGKILL))


def _limit(name: str, most: int) -> None:
    """Lower one of the limits; what the machine allows less of stays so."""
    number = getattr(resource, name, None)
    if number is not None:
        hard = resource.getrlimit(number)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(number, (most, most))


def _cover(libc: ctypes.CDLL, user: int, hidden: list[str], shown: dict[str, bool]) -> None:
    """Cover what is hidden, and bring back what is shown, by whether it is read only. Raises OSError."""
    call(libc.mount(b"none", b"/", None, MS_REC | MS_SLAVE, None))
    held = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in sorted(shown, key=lambda path: path.count("/"))}
    kept = user == 0 and keep_machine(libc)
    covered: list[str] = []
    for path in hidden:
        if os.path.isdir(path):  # noqa: PTH112 - here and below: as above
            call(libc.mount(b"tmpfs", path.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"size=1m,mode=0700"))
            covered.append(path)
        elif os.path.exists(path):  # noqa: PTH110
            bind(libc, "/dev/null", path, read_only=False)
    for path, descriptor in held.items():
        source = f"/proc/self/fd/{descriptor}"
        if not os.path.exists(path):  # noqa: PTH110
            _make_place(path, folder=os.path.isdir(source))  # noqa: PTH112
        bind(libc, source, path, read_only=shown[path])
        if kept and not shown[path]:
            let_write(libc, path, may=True)
    for path in covered:
        freeze(libc, path)
    for descriptor in held.values():
        os.close(descriptor)


def _make_place(path: str, *, folder: bool) -> None:
    """What something can be mounted on."""
    os.makedirs(path if folder else os.path.dirname(path), 0o700, exist_ok=True)  # noqa: PTH103, PTH120
    if not folder:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _be_first(libc: ctypes.CDLL, wall: Told, command: list[str], tell: int) -> None:
    """The namespace's first process: it starts the command, takes leave of what was left to it, and ends with the command."""
    try:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        own_proc(libc)
        with contextlib.suppress(OSError), open("/proc/sys/kernel/pid_max", "w") as file:  # noqa: PTH123 - Linux 6.14: the namespace's own
            file.write(str(wall.processes))
        for place in KERNELS if os.geteuid() == 0 else ():
            if os.path.exists(place):  # noqa: PTH110 - as above
                bind(libc, place, place, read_only=True)
        for capability in {*range(LAST_CAPABILITY + 1)} - {CAP_SETFCAP}:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        child = os.fork()
        if child == 0:
            os.setsid()
            _limit("RLIMIT_NPROC", wall.processes)
            _become(command)
        _close_but(tell)
        _hand_on(child)
        while True:
            ended, status = os.wait()
            if ended == child:
                os.write(tell, status.to_bytes(4, "little"))
                os._exit(0)
    except BaseException as error:  # noqa: BLE001 - the command, or what is before it: neither goes on as the cloud's process
        os.write(2, f"the process cannot be run: {error}\n".encode())
        os._exit(NOT_BEGUN)


def _become(command: list[str]) -> None:
    """Go on as the command, which is looked for in PATH. Raises OSError. (os.execvp imports a module, and Python's may be covered.)"""
    name = command[0]
    folders = [] if "/" in name else os.environ.get("PATH", os.defpath).split(os.pathsep)
    places = [place for place in (f"{folder}/{name}" for folder in folders) if os.access(place, os.X_OK)]
    os.execv(places[0] if places else name, command)  # noqa: S606 - the command is the cloud's


def _close_but(*kept: int) -> None:
    """Hold nothing that is the command's: its pipes end with it."""
    above = STANDARD
    for descriptor in sorted({*kept} - {-1}):
        os.closerange(above, descriptor)
        above = descriptor + 1
    os.closerange(above, MOST_DESCRIPTORS)


def _hand_on(child: int) -> None:
    def send(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in HANDED_ON:
        signal.signal(number, send)


def _wait(child: int, lifeline: int) -> None:
    """Until the child has ended, which it does when the lifeline does."""
    watched = select.poll()
    process = os.pidfd_open(child)
    for descriptor in {process, lifeline} - {-1}:
        watched.register(descriptor, select.POLLIN | select.POLLHUP)
    while True:
        for descriptor, _ in watched.poll():
            if descriptor == process:
                os.waitpid(child, 0)
                return
            if not os.read(descriptor, 1):
                os.kill(child, signal.SIGKILL)
                watched.unregister(descriptor)


def _end_like(status: int) -> None:
    """End as a child has, by what wait(2) said of it."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with contextlib.suppress(OSError, ValueError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    divide = sys.argv.index("--")
    try:
        main(Told(sys.argv[1:divide]), sys.argv[divide + 1 :])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told where the command's own words would be
        sys.stderr.write(f"the process cannot be run: {error}\n")
        sys.exit(NOT_BEGUN)
