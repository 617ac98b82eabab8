"""Ask over a new connection each time; tell how often, why and how long in vain: ADDRESS PORT SECONDS PATIENCE."""

import collections
import http.client
import itertools
import json
import sys
import threading
import time

address, port, seconds, patience = sys.argv[1:]
began = time.monotonic()
end = began + float(seconds)
served: list[float] = [began]
failed: list[str] = []


def ask() -> None:
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(address, int(port), timeout=float(patience))
        try:
            connection.request("GET", "/")
            answer = connection.getresponse().read()
            if answer.startswith(b'{"instance"'):
                served.append(time.monotonic())
            else:
                failed.append(f"{answer[:80]!r}")
        except (OSError, http.client.HTTPException) as problem:
            failed.append(repr(problem))
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
told = {"failed": len(failed), "reasons": collections.Counter(failed), "longest_ms": round(longest * 1000)}
print(json.dumps({"served": len(served) - 1, **told}))
