"""Connect, ask once and leave, again and again: `handshakes.py PORT CLIENTS SECONDS new|resumed`; prints how often."""

import socket
import ssl
import sys
import threading
import time

NAME = "shop.test.example"
port, clients, seconds, kind = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
deadline = time.monotonic() + seconds
counts = [0] * clients
resumed = [0] * clients
problems: list[str] = []


def client(number: int) -> None:
    context = ssl.create_default_context(cafile="/root/ca.crt")
    session = None
    while time.monotonic() < deadline:
        with socket.create_connection((NAME, port)) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, server_hostname=NAME, session=session) as secure:
                secure.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % NAME.encode())
                answer = secure.recv(65536)
                if b" 200 " not in answer[:20]:
                    problems.append(f"not 200: {answer[:200]!r}")
                    return
                resumed[number] += bool(secure.session_reused)
                session = secure.session if kind == "resumed" else None
        counts[number] += 1


def guarded(number: int) -> None:
    """Let no problem end a thread in silence."""
    try:
        client(number)
    except OSError as problem:
        problems.append(str(problem))


threads = [threading.Thread(target=guarded, args=(number,)) for number in range(clients)]
began = time.monotonic()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
if problems:
    sys.exit(problems[0])
print(sum(counts), sum(resumed), time.monotonic() - began)
