"""Ask over a new connection each time, and tell how often and for how long in vain: ADDRESS PORT SECONDS."""

import http.client
import itertools
import json
import sys
import threading
import time

address, port, seconds = sys.argv[1:]
began = time.monotonic()
end = began + float(seconds)
served, failed = [began], []


def ask() -> None:
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(address, int(port), timeout=0.5)
        try:
            connection.request("GET", "/")
            (served if connection.getresponse().read().startswith(b'{"instance"') else failed).append(time.monotonic())
        except (OSError, http.client.HTTPException):
            failed.append(time.monotonic())
        finally:
            connection.close()
        time.sleep(0.02)


threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
moments = [*sorted(served), end]
longest = max(after - before for before, after in itertools.pairwise(moments))
print(json.dumps({"served": len(served) - 1, "failed": len(failed), "longest_ms": round(longest * 1000)}))
