"""Knock at port 22 of addresses for ever: `watch.py NOTES ADDRESS...`; say how long it was shut: `watch.py NOTES`."""

import json
import socket
import sys
import time
from pathlib import Path


def opens(address: str) -> bool:
    try:
        socket.create_connection((address, 22), 0.5).close()
    except OSError:
        return False
    return True


notes, addresses = Path(sys.argv[1]), sys.argv[2:]
if addresses:
    with notes.open("w", buffering=1) as stream:
        while True:
            for address in addresses:
                began = time.time()
                stream.write(f"{address} {began} {int(opens(address))}\n")
            time.sleep(0.2)

shut: dict[str, list[list[float]]] = {}
for line in notes.read_text().splitlines():
    address, moment, answered = line.split()
    times = shut.setdefault(address, [])
    if answered == "0" and (not times or len(times[-1]) == 2):
        times.append([float(moment)])
    if answered == "1" and times and len(times[-1]) == 1:
        times[-1].append(float(moment))
# Seconds by address; -1 when it did not end. One knock that is lost on a busy machine is no lock-out.
lasted = {name: [round(t[1] - t[0], 1) if t[1:] else -1.0 for t in times] for name, times in shut.items()}
print(json.dumps({name: [length for length in lengths if not 0 <= length < 1.5] for name, lengths in lasted.items()}))
