#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The checks of sigload must find what is wrong: a small server that loses,
repeats, swaps and damages messages on purpose, one fault per run.

usage: faults_test.py SIGLOAD SL_FLOOR (the floor is not used)
"""
import asyncio
import json
import sys

RIGHT = "right"

# mode of sigload, fault of the server, the counters of which one must show it
# (a repeated answer may meet the next call of its id: its stamp is wrong then;
# a hang-up may come while a connection is not open yet)
RUNS = [
    ("echo", RIGHT, None),
    ("echo", "lose", "lost"),
    ("echo", "repeat", "dups bad"),
    ("echo", "damage", "bad"),
    ("echo", "stale", "bad"),
    ("echo", "error", "errors"),
    ("echo", "hang up", "closed conn_fail"),
    ("broadcast", RIGHT, None),
    ("broadcast", "lose", "lost"),
    ("broadcast", "repeat", "dups"),
    ("broadcast", "swap", "gaps"),
    ("broadcast", "damage", "bad"),
    ("broadcast", "close message", "errors"),
    ("stream", RIGHT, None),
    ("stream", "lose", "gaps"),
    ("stream", "repeat", "dups"),
]
FAULTY_AT = 20  # the message that the fault befalls, of the whole server
STREAM_ITEMS = 7


class Server:
    """Serves Echo, SendAll and Counter; its fault happens once."""

    def __init__(self, fault):
        self.fault = fault
        self.writers = []
        self.count = 0
        self.held = None
        self.last_text = None

    def due(self, *faults):
        return self.fault in faults and self.count == FAULTY_AT

    @staticmethod
    def frame(message):
        payload = json.dumps(message).encode() + b"\x1e"
        size = len(payload)
        if size < 126:
            return bytes([0x81, size]) + payload
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload

    def write(self, writer, message):
        """Sends a message, unless the fault has its turn."""
        self.count += 1
        if self.due("lose"):
            return
        writer.write(self.frame(message))
        if self.due("repeat"):
            writer.write(self.frame(message))
        if self.due("hang up"):
            writer.close()
        if self.due("close message"):
            writer.write(self.frame({"type": 7, "error": "had enough"}))

    def alter(self, text):
        """The text as it is sent: right, damaged or an old one."""
        due_next = self.count + 1 == FAULTY_AT
        if due_next and self.fault == "damage":
            return text[:-1] + "!"
        if due_next and self.fault == "stale":
            return self.last_text
        self.last_text = text
        return text

    def broadcast(self, text):
        for writer in self.writers:
            message = {"type": 1, "target": "recv",
                       "arguments": [self.alter(text)]}
            if self.fault == "swap" and writer is self.writers[0]:
                self.swap(writer, message)
            else:
                self.write(writer, message)

    def swap(self, writer, message):
        """Holds one message back until the next one has been sent."""
        self.count += 1
        if self.count >= FAULTY_AT and self.held is None:
            self.held = message
            return
        writer.write(self.frame(message))
        if self.held:
            writer.write(self.frame(self.held))
            self.held = {}

    def answer(self, writer, call):
        if call["type"] == 6:
            return
        call_id = call.get("invocationId")
        if call["target"] == "SendAll":
            self.broadcast(call["arguments"][0])
        elif call["target"] == "Counter":
            for item in range(call["arguments"][0]):
                self.write(writer, {"type": 2, "invocationId": call_id,
                                    "item": item})
            writer.write(self.frame({"type": 3, "invocationId": call_id}))
        elif self.fault == "error" and self.count + 1 == FAULTY_AT:
            self.write(writer, {"type": 3, "invocationId": call_id,
                                "error": "no"})
        else:
            self.write(writer, {"type": 3, "invocationId": call_id,
                                "result": self.alter(call["arguments"][0])})

    @staticmethod
    async def read_frame(reader):
        head = await reader.readexactly(2)
        size = head[1] & 127
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2), "big")
        key = await reader.readexactly(4)
        data = await reader.readexactly(size)
        return bytes(byte ^ key[i % 4] for i, byte in enumerate(data))

    async def serve(self, reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            await self.read_frame(reader)
            writer.write(self.frame({}))
            self.writers.append(writer)
            while True:
                for part in (await self.read_frame(reader)).split(b"\x1e"):
                    if part:
                        self.answer(writer, json.loads(part))
        except (asyncio.IncompleteReadError, ConnectionError):
            if writer in self.writers:
                self.writers.remove(writer)


async def run_for(seconds, sigload, mode, fault):
    """Returns sigload's status, its result, and whether the fault happened."""
    server = Server(fault)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sigload, mode, "-p", str(port), "-c", "3", "-w", "2", "-W", "0.1",
        "-d", str(seconds), "-D", "0.3", "-n", str(STREAM_ITEMS),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    output, _ = await process.communicate()
    listener.close()
    return process.returncode, json.loads(output), server.count > FAULTY_AT


async def run(sigload, mode, fault):
    """On a busy machine the fault may come late: then it is given time."""
    for seconds in (0.3, 1, 3, 9):
        status, result, happened = await run_for(seconds, sigload, mode, fault)
        if happened:
            break
    return status, result


async def main():
    failures = 0
    results = await asyncio.gather(*(run(sys.argv[1], mode, fault)
                                     for mode, fault, _ in RUNS))
    for (mode, fault, counters), (status, result) in zip(RUNS, results):
        if fault == RIGHT:
            found = status == 0 and result["count"] > 0
        else:
            found = status == 1 and any(result[counter]
                                        for counter in counters.split())
        print(f"{'ok' if found else 'NOT FOUND'}: {mode}, {fault}")
        failures += not found
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    asyncio.run(main())
