"""A pod of the packet test: answers on some ports, loads rules, and probes others.

Reads one JSON command a line from standard input and writes one JSON answer a line.
"""

import json
import selectors
import socket
import subprocess
import sys
import threading
import time

TCP_PORTS = [80, 81, 8080]
UDP_PORTS = [53, 80]
PATIENCE = 1.0


def serve_tcp(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("0.0.0.0", port))
    server.listen(64)
    while True:
        server.accept()[0].close()


def serve_udp(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", port))
    while True:
        try:
            data, sender = server.recvfrom(64)
            server.sendto(data, sender)
        except OSError:
            pass  # an earlier answer was refused


def probe(targets):
    """Tries all targets at once; True for each that answers in time."""
    answers = [False] * len(targets)
    waiting = selectors.DefaultSelector()
    for place, (address, protocol, port) in enumerate(targets):
        kind = socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM
        client = socket.socket(socket.AF_INET, kind)
        client.setblocking(False)
        try:
            error = client.connect_ex((address, port))
            if protocol == "UDP":
                client.send(b"?")
            elif error not in (0, 115):
                client.close()
                continue
        except OSError:
            client.close()
            continue
        event = selectors.EVENT_WRITE if protocol == "TCP" else selectors.EVENT_READ
        waiting.register(client, event, (place, protocol))
    end = time.monotonic() + PATIENCE
    while waiting.get_map() and time.monotonic() < end:
        for key, _ in waiting.select(max(0.0, end - time.monotonic())):
            place, protocol = key.data
            client = key.fileobj
            if protocol == "TCP":
                answers[place] = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            else:
                try:
                    answers[place] = client.recv(64) == b"?"
                except OSError:
                    pass
            waiting.unregister(client)
            client.close()
    for key in list(waiting.get_map().values()):
        waiting.unregister(key.fileobj)
        key.fileobj.close()
    return answers


def main():
    for port in TCP_PORTS:
        threading.Thread(target=serve_tcp, args=(port,), daemon=True).start()
    for port in UDP_PORTS:
        threading.Thread(target=serve_udp, args=(port,), daemon=True).start()
    time.sleep(0.2)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        if "rules" in command:
            result = subprocess.run(
                ["nft", "-f", "-"], input=command["rules"], text=True, capture_output=True
            )
            print(json.dumps(result.stderr), flush=True)
        else:
            print(json.dumps(probe(command["probe"])), flush=True)


main()
