#!/usr/bin/env python3
"""Hostile clients: as many sessions a second as asked for, each one of the misdeeds below, drawn by a seed.

Prints a JSON object with what was done at its end (SIGTERM, or --seconds). No message of theirs may be taken: "taken"
counts those that were all the same.
"""

import argparse
import asyncio
import collections
import json
import random
import signal
import socket
import struct

OPEN_MAX = 2000  # hostile sessions at once; above, the next one has to wait
HOLD_SECONDS = (20, 90)  # how long those who are slow or silent stay
STEP_SECONDS = 5
STEPS = (b"EHLO mallory.example\r\n", b"MAIL FROM:<mallory@example.com>\r\n", b"RCPT TO:<someone@sink.example>\r\n",
         b"DATA\r\n", b"Subject: never finished\r\n\r\nhalf a li")


class Session:
    """One connection; what goes wrong with it is what it is for."""

    def __init__(self, port, chance, done):
        self.port, self.chance, self.done = port, chance, done
        self.reader = self.writer = None

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        await self.reply()

    def send(self, data):
        if self.writer.transport.is_closing():
            raise ConnectionError("the server has hung up")
        self.writer.write(data)

    async def reply(self):
        """One whole reply, or nothing where none came in time or the server hung up."""
        lines = b""
        try:
            while True:
                line = await asyncio.wait_for(self.reader.readline(), STEP_SECONDS)
                lines += line
                if not line or line[3:4] != b"-":
                    return lines
        except (TimeoutError, asyncio.TimeoutError, OSError, ValueError):
            return lines

    async def say(self, data):
        self.send(data)
        return await self.reply()

    async def until(self, step):
        for line in STEPS[:step]:
            self.send(line)
            if not line.endswith(b"\r\n"):
                return
            await self.reply()

    async def hold(self):
        await asyncio.sleep(self.chance.uniform(*HOLD_SECONDS))

    def reset(self):
        """RST instead of FIN: what is on the way is lost."""
        sock = self.writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    # --- the misdeeds

    async def slow_drip(self):
        text = b"".join(STEPS[:self.chance.randrange(1, len(STEPS) + 1)])
        wait = self.chance.uniform(*HOLD_SECONDS) / len(text)
        for byte in text:
            self.send(bytes([byte]))
            await asyncio.sleep(wait)

    async def half_open(self):
        await self.until(self.chance.randrange(len(STEPS) + 1))
        await self.hold()
        self.reset()

    async def reset_at_any_state(self):
        await self.until(self.chance.randrange(len(STEPS) + 1))
        self.reset()

    async def half_close(self):
        await self.until(self.chance.randrange(len(STEPS) + 1))
        self.writer.write_eof()
        await self.reply()

    async def never_reads(self):
        self.reader._transport.pause_reading()  # noqa: SLF001: asyncio has no other way
        for _ in range(2000):
            self.send(b"NOOP\r\nHELP\r\nVRFY a\r\n")
        await self.hold()
        self.reset()

    async def long_line(self):
        await self.until(self.chance.randrange(len(STEPS)))
        self.send(b"A" * self.chance.randrange(5_000, 200_000))
        await self.reply()

    async def nuls(self):
        await self.until(self.chance.randrange(len(STEPS)))
        await self.say(b"\0" * 100 + b"\r\n\0\r\nMA\0IL FROM:<a@b>\r\n")

    async def garbage(self):
        await self.until(self.chance.randrange(len(STEPS) + 1))
        self.send(self.chance.randbytes(self.chance.randrange(1, 20_000)))
        await self.reply()

    async def many_recipients(self):
        await self.until(2)
        for number in range(5_000):
            self.send(b"RCPT TO:<r%d@sink.example>\r\n" % number)
        await self.hold()
        self.reset()

    async def bdat_lies(self):
        await self.until(3)
        lie = self.chance.choice([b"1000000", b"18446744073709551615", b"99999999999999999999999", b"-1", b"0x10", b""])
        self.send(b"BDAT " + lie + b" LAST\r\n" + b"x" * 100)
        if self.chance.randrange(2):
            await self.hold()
        self.reset()

    async def body_without_end(self):
        await self.until(4)
        for _ in range(self.chance.randrange(10, 200)):
            self.send(b".\r\n." * 50 + b"\r\n")
            await asyncio.sleep(0.2)
        self.reset()

    async def smuggles(self):
        await self.until(4)
        said = await self.say(b"Subject: x\r\n\r\nfirst\n.\nMAIL FROM:<b@example.com>\r\nRCPT TO:<c@sink.example>\r\nDATA\r\n"
                              b"second\r.\r\n\r\n.\r\n")
        self.done["taken"] += said.startswith(b"250")

    async def vanishes(self):
        self.reset()


MISDEEDS = [name for name, value in vars(Session).items()
            if asyncio.iscoroutinefunction(value) and name not in ("open", "reply", "say", "until", "hold")]


async def one(options, chance, done, slots):
    name = chance.choice(MISDEEDS)
    session = Session(options.port, chance, done)
    async with slots:
        done["most_at_once"] = max(done["most_at_once"], OPEN_MAX - slots._value)  # noqa: SLF001
        try:
            await session.open()
            await getattr(session, name)()
            done[name] += 1
        except (OSError, ValueError):
            done["cut_off"] += 1  # the server had had enough
        finally:
            if session.writer is not None:
                session.writer.transport.abort()


async def run(options):
    chance, done = random.Random(options.seed), collections.Counter()
    slots = asyncio.Semaphore(OPEN_MAX)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    running, begun, number = set(), loop.time(), 0
    while not stop.is_set() and loop.time() - begun < options.seconds:
        due = begun + number / options.per_second
        if due > loop.time():
            try:
                await asyncio.wait_for(stop.wait(), due - loop.time())
            except (TimeoutError, asyncio.TimeoutError):
                pass
        number += 1
        done["sessions"] += 1
        task = asyncio.create_task(one(options, random.Random(chance.random()), done, slots))
        running.add(task)
        task.add_done_callback(running.discard)
    for task in list(running):
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    print(json.dumps(done))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--per-second", type=float, required=True)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
