"""Python imports this when it starts, in every process below: nothing but this machine answers, and who asks is noted.

The names asked for go to the file that ``ASKED_FOR`` names. Look-ups are stopped as well, for a resolver may be asked through
a file, where no namespace stands in the way.
"""

import errno
import os
import socket
import sys

HERE = (None, "", "localhost", "127.0.0.1", "0.0.0.0", "::1")


def hook(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        name = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    elif event in ("socket.connect", "socket.sendto") and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        name = arguments[1][0]
        error = OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
    else:
        return
    if name not in HERE:
        with open(os.environ["ASKED_FOR"], "a") as file:
            file.write(f"{name}\n")
        raise error


sys.addaudithook(hook)
