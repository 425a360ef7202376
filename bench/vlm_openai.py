"""The engine `openai` against the ideal (requests in flight / latency), beside a loop of the openai client in threads; two pictures of 1 MP a request.

The server, in a process of its own, reads a request and answers after a fixed latency (issue 5: at least 95% of the ideal at 200 ms and 64 in flight).
"""

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np
import openai
import psutil
from PIL import Image
from targets import Targets

from unicedit.config.openai import OpenAiSettings
from unicedit.vlm.completion import body_of
from unicedit.vlm.openai import OpenAiEngine
from unicedit.vlm.pictures import data_url
from unicedit.vlm.port import VlmRequest

REPLY = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "still",
    "usage": {"prompt_tokens": 3000, "completion_tokens": 200, "total_tokens": 3200},
}


class _Still(asyncio.BufferedProtocol):
    """One connection of a server that reads whole requests and answers each so long after its head came. It shares the client's cores: it copies nothing."""

    def __init__(self, latency: float, answer: bytes) -> None:
        self.latency, self.answer = latency, answer
        self.buffer = memoryview(bytearray(1 << 20))
        self.head, self.left, self.due = b"", 0, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        loop = asyncio.get_running_loop()
        if not self.left:
            if not self.head:
                self.due = loop.time() + self.latency
            head, end, body = (self.head + self.buffer[:nbytes]).partition(b"\r\n\r\n")
            if not end:
                self.head = head
                return
            self.head, nbytes = b"", len(body)
            self.left = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        self.left -= nbytes
        if not self.left:
            loop.call_at(self.due, self.transport.write, self.answer)


async def serve(latency: float, text: str) -> None:
    """Answer every request with ``text`` after ``latency`` seconds; print the port."""
    message = {"role": "assistant", "content": text}
    content = json.dumps({**REPLY, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + str(len(content)).encode() + b"\r\n\r\n" + content

    server = await asyncio.get_running_loop().create_server(lambda: _Still(latency, answer), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def picture(seed: int) -> bytes:
    """A picture of 1 MP with the grain of a photograph, as JPEG."""
    source = np.random.default_rng(seed)
    coarse = Image.fromarray(source.integers(0, 255, (64, 64, 3), dtype=np.uint8)).resize((1024, 1024), Image.Resampling.BICUBIC)
    grain = source.normal(0, 4, (1024, 1024, 3))
    stream = io.BytesIO()
    Image.fromarray((np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def plain(url: str, requests: list[VlmRequest], threads: int) -> float:
    """The same requests by the openai client in a pool of threads; requests a second."""
    settings = OpenAiSettings(model="still", base_url=url)
    client = openai.OpenAI(api_key="none", base_url=url, max_retries=0)

    def one(request: VlmRequest) -> None:
        client.chat.completions.create(**body_of(settings, request, lambda image: data_url(image, settings.pictures).decode()))

    started = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, requests))
    return len(requests) / (time.monotonic() - started)


def asked(url: str, requests: list[VlmRequest], in_flight: int) -> tuple[float, float, float]:
    """Requests a second by our engine, and its memory in MB at a third of the way and at most after that."""
    engine = OpenAiEngine(OpenAiSettings(model="still", base_url=url, concurrency=in_flight), None, None)
    process, seen, over = psutil.Process(), [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.append(process.memory_info().rss / 1e6)

    watching = threading.Thread(target=watch)
    watching.start()
    started = time.monotonic()
    engine.reply(requests)
    seconds = time.monotonic() - started
    over.set()
    watching.join()
    third = len(seen) // 3
    return len(requests) / seconds, max(seen[: third + 1]), max(seen[third:])


def main(latency: float = 0.2, in_flight: int = 64, rounds: int = 60) -> None:
    """Print the figures. Leaves with 1 when a target is missed."""
    pictures = [picture(seed) for seed in range(8)]
    requests = [
        VlmRequest(f"k{number}", "What differs?", (pictures[number % 8], pictures[(number + 1) % 8]))
        for number in range(rounds * in_flight)
    ]
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(latency)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        rate, early, late = asked(url, requests, in_flight)
        peer = plain(url, requests, in_flight)
    finally:
        server.kill()
    ideal = in_flight / latency
    size = sum(map(len, pictures)) / len(pictures) / 1e3
    what = f"{in_flight} in flight, {latency * 1e3:.0f} ms, two pictures of {size:.0f} kB, {os.cpu_count()} cores for client and server"
    targets = Targets()
    targets.show(f"openai engine / ideal of {ideal:.0f} requests/s ({what})", rate / ideal, at_least=0.95)
    targets.show("openai engine / threads of the openai client", rate / peer, at_least=1.0)
    targets.show("memory later / in the first third", late / early, at_most=1.1)
    targets.end()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve(float(sys.argv[2]), next(iter(sys.argv[3:]), "{}")))
    else:
        seconds, *counts = sys.argv[1:4] or ["0.2"]
        main(float(seconds), *map(int, counts))
