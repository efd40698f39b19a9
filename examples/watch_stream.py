"""Watch a stream: connects, acknowledges every frame, and tells rate, delay and the strongest shapes once a second.

    pip install websockets
    python -m core stream webcam --to ws          # in another window; or stream a take or a video
    python examples/watch_stream.py ws://127.0.0.1:8765 [--token TOKEN] [--seconds S]

It needs nothing of this repository: copy it as a start for a program of your own. docs/streaming.md has the protocol.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import struct
import time
from statistics import median

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

PROTOCOL = "liveavatar.f32.v1"
HEADER = struct.Struct("<4sHHIidddd")  # magic, layout, count, sequence, face, timestamp, arrived, tracked, sent


class Clock:
    """The server's clock seen from here: its offset from the exchange with the shortest way, and how sure that is."""

    def __init__(self) -> None:
        self.offset_s = self.doubt_s = float("inf")
        self.heard = 0

    def learn(self, pong: dict, received_s: float) -> None:
        """`pong` answers our ping of the time `t`."""
        self.heard += 1
        way_s = received_s - pong["t"] - (pong["sent_s"] - pong["received_s"])
        if way_s / 2 <= self.doubt_s:
            self.doubt_s = way_s / 2
            self.offset_s = (pong["received_s"] - pong["t"] + pong["sent_s"] - received_s) / 2


class Watch:
    """Counts what came in the last second."""

    def __init__(self, hello: dict) -> None:
        self.names = hello["blendshapes"]
        self.start, count = hello["fields"]["blendshapes"]["offset"], hello["fields"]["blendshapes"]["count"]
        self.values = struct.Struct(f"<{count}f")
        self.clock = Clock()
        self.delays_s: list[float] = []
        self.ages_s: list[float] = []
        self.last: int | None = None
        self.missed = 0

    def read(self, frame: bytes, received_s: float) -> int:
        """Takes a frame in and returns its number."""
        magic, layout, _, sequence, _, _, arrived_s, _, sent_s = HEADER.unpack_from(frame)
        if (magic, layout) != (b"LAF1", 1):
            raise SystemExit("This stream speaks a newer language than this program.")
        if self.last is not None:
            self.missed += (sequence - self.last - 1) % 2**32
        self.last = sequence
        self.delays_s.append(received_s + self.clock.offset_s - sent_s)
        self.ages_s.append(received_s + self.clock.offset_s - arrived_s)
        self.shapes = dict(zip(self.names, self.values.unpack_from(frame, self.start), strict=True))
        return sequence

    def tell(self) -> None:
        """Prints the last second and begins a new one."""
        if not self.delays_s:
            print("no frames", flush=True)
            return
        strongest = sorted(self.shapes, key=self.shapes.get, reverse=True)[:3]
        print(
            f"{len(self.delays_s):3d} frames/s  on the way {1000 * median(self.delays_s):.1f} ms  "
            f"since the camera {1000 * median(self.ages_s):.1f} ms  (+- {1000 * self.clock.doubt_s:.1f})  "
            f"missed {self.missed}  " + " ".join(f"{name} {self.shapes[name]:.2f}" for name in strongest),
            flush=True,
        )
        self.delays_s, self.ages_s = [], []


async def watch(url: str, token: str, seconds: float) -> None:
    """Shows the stream until it ends or `seconds` have passed."""
    async with connect(url, subprotocols=[PROTOCOL], compression=None) as connection:
        if token:
            await connection.send(json.dumps({"type": "auth", "token": token}))
        watching = Watch(json.loads(await connection.recv()))
        started_s = told_s = time.monotonic()
        await connection.send(json.dumps({"type": "ping", "t": time.monotonic()}))
        while (now_s := time.monotonic()) - started_s < seconds:
            if now_s - told_s >= 1.0:
                watching.tell()
                told_s = now_s
                await connection.send(json.dumps({"type": "ping", "t": time.monotonic()}))
            try:
                message = await asyncio.wait_for(connection.recv(), 0.25)
            except TimeoutError:
                continue
            received_s = time.monotonic()
            if isinstance(message, bytes):
                await connection.send(struct.pack("<I", watching.read(message, received_s)))
            elif (said := json.loads(message))["type"] == "pong":
                watching.clock.learn(said, received_s)
                if watching.clock.heard < 8:  # one after the other, so that none waits behind another
                    await connection.send(json.dumps({"type": "ping", "t": time.monotonic()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Watch a Live Avatar stream.")
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:8765")
    parser.add_argument("--token", default="")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    words = parser.parse_args()
    try:
        asyncio.run(watch(words.url, words.token, words.seconds))
    except (OSError, ConnectionClosed) as error:
        raise SystemExit(f"The stream at {words.url} is not there or has ended: {error}") from None
    except KeyboardInterrupt:
        pass
