"""Become another user, tie the own life to the parent's, and exec a program.

This file is run as a script by `launching.launch_command`, with no site-packages. It does what `preexec_fn`
would do, which is unsafe in a process with threads and warns from Python 3.12 on.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
FAILED = 127


def main(arguments: list[str]) -> None:
    """`launch.py SIGNAL PARENT UID GID FOLDER PROGRAM ARGUMENTS…`; 0 for no signal, -1 for the same user."""
    number, parent, uid, gid = map(int, arguments[:4])
    folder, command = arguments[4], arguments[5:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if number and sys.platform == "linux":
        # After the change of user, which makes the kernel forget the wish.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the wish was heard
            sys.exit(FAILED)
    os.chdir(folder)
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(FAILED)
