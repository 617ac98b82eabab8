"""Hold 1000 silent connections to a server, ask for a page meanwhile, and say how many are still open."""

import resource
import select
import socket
import subprocess
import sys

host, *question = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
held = [socket.create_connection((host, 443)) for _ in range(1000)]
answer = subprocess.run(question, capture_output=True, text=True, check=False).stdout
poll = select.poll()
for connection in held:
    poll.register(connection, select.POLLIN)
print(answer, f"open {len(held) - len(poll.poll(0))}")
