"""Becomes a service: drops root rights, asks to die with its parent, then replaces itself with the program.

Run by path as a script of its own, so that nothing of this happens between fork and exec of a process with threads:

    python -I -S launch.py --parent PID --signal NUMBER --privileges same|namespace|UID:GID -- PROGRAM [ARGUMENT…]
"""

import argparse
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
# The one account inside the namespace. It must not be 0, and must have a name, because initdb looks it up.
INSIDE_ID = 65534


def main() -> None:
    options = parse_arguments()
    try:
        os.setsid()  # a session of its own: Ctrl-C reaches the supervisor, which stops the services in order
        os.umask(0o077)
        if options.privileges == "namespace":
            enter_user_namespace()
        elif options.privileges != "same":
            switch_account(*map(int, options.privileges.split(":")))
        if options.folder:
            os.chdir(options.folder)
        if options.parent and sys.platform == "linux":
            die_with_parent(options.parent, options.signal)
        os.execv(options.program[0], options.program)  # noqa: S606
    except OSError as error:
        sys.exit(f"{options.program[0]} cannot be started: {error}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--signal", type=int, default=15)
    parser.add_argument("--privileges", default="same")
    parser.add_argument("--folder", default="")
    parser.add_argument("program", nargs="+")
    return parser.parse_args()


def enter_user_namespace() -> None:
    """Keep the owner's files within reach and give up every capability: inside, the account is not root.

    Raises:
        OSError: the kernel or a container's policy does not allow it.
    """
    uid, gid = os.geteuid(), os.getegid()
    os.setgroups([])
    call_libc("unshare", CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),  # user_namespaces(7): asked for before a group may be mapped
        ("uid_map", f"{INSIDE_ID} {uid} 1"),
        ("gid_map", f"{INSIDE_ID} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(text)


def switch_account(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_parent(parent: int, signal_number: int) -> None:
    """Have the kernel send a signal when the parent dies, also by kill -9. Must come after any change of rights."""
    call_libc("prctl", PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the supervisor has gone")


def call_libc(name: str, *values: int) -> None:
    """Call a function of the C library that answers 0 when all is well."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*values) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
