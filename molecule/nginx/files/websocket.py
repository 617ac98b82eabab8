"""Open a WebSocket through the proxy, wait, send a word, print the answer: HOST ADDRESS CA PATH WORD SECONDS."""

import base64
import os
import socket
import ssl
import sys
import time

host, address, authority, path, word, seconds = sys.argv[1:]
raw = socket.create_connection((address, 443), timeout=10)
connection = ssl.create_default_context(cafile=authority).wrap_socket(raw, server_hostname=host)
key = base64.b64encode(os.urandom(16)).decode()
connection.sendall(
    f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
)
stream = connection.makefile("rb")
print(stream.readline().decode().strip())
while stream.readline().strip():
    pass
time.sleep(float(seconds))
mask = os.urandom(4)
connection.sendall(
    bytes([0x81, 0x80 | len(word)]) + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(word.encode()))
)
print(stream.read(2 + len(word))[2:].decode())
