"""Ask over connections that are opened once, and say how many held: ADDRESS PORT CONNECTIONS SECONDS PAUSE."""

import http.client
import sys
import time

address, port, count, seconds, pause = sys.argv[1:]
held, end, answers = [], time.monotonic() + float(seconds), 0
for _ in range(int(count)):
    connection = http.client.HTTPConnection(address, int(port), timeout=10)
    connection.connect()
    connection.auto_open = 0
    held.append(connection)
while time.monotonic() < end:
    for connection in held[:]:
        try:
            connection.request("GET", "/")
            answers += connection.getresponse().read().startswith(b'{"instance": 300')
        except (OSError, http.client.HTTPException):
            held.remove(connection)
    time.sleep(float(pause))
print(f"held {len(held)} of {count}, {'some' if answers > len(held) else 'no'} answers")
