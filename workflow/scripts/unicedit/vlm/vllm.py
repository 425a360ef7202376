"""vLLM's offline engine, in a worker process of its own (design section 6)."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unicedit.config.vllm import VllmSettings
from unicedit.files import digest_of
from unicedit.map.compute import EngineError
from unicedit.verifier.identity import model_digest
from unicedit.vlm.cache import ReplyCache
from unicedit.vlm.chat import AGAIN_TEMPERATURE, messages
from unicedit.vlm.pictures import data_url
from unicedit.vlm.port import REPEAT_SEEDS, Arrived, VlmEngine, VlmReply, VlmRequest, unheard

# in a folder of its own: beside this module `import vllm` would find this module
WORKER = Path(__file__).with_name("workers") / "vllm_offline.py"


class VllmEngine(VlmEngine):
    """Hands whole batches to vLLM, which schedules them itself.

    Raises ``EngineError`` where vLLM or the model is missing, and where the worker dies.
    """

    def __init__(self, settings: VllmSettings, cache: Path | None) -> None:
        path = str(settings.model)
        if not Path(path).is_dir() and settings.revision is None:
            raise EngineError(f"{path}: no such model folder (a model of the hub needs its revision, and must be downloaded beforehand)")
        self.settings = settings
        self.name = f"{Path(path).name}@{model_digest(path, settings.revision)[:12]}"
        self.identity = digest_of("vllm", self.name, settings.deciding())
        self.cache = ReplyCache(cache) if cache else None
        self._start()

    def _start(self) -> None:
        to_read, to_write = os.pipe()
        back_read, back_write = os.pipe()
        python = self.settings.python or sys.executable
        # jobs never download
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
        try:
            self._worker = subprocess.Popen(
                [python, str(WORKER), str(to_read), str(back_write)],
                stdin=subprocess.DEVNULL,
                pass_fds=(to_read, back_write),
                env=environment,
            )
        except OSError as error:
            raise EngineError(f"vllm.python = {python!r}: cannot be run ({error.strerror})") from error
        finally:
            os.close(to_read)
            os.close(back_write)
        self._asking, self._answers = os.fdopen(to_write, "w", encoding="utf-8"), os.fdopen(back_read, "r", encoding="utf-8")
        started = self._told(self._arguments())
        if "fault" in started:
            raise EngineError(f"vLLM cannot start with {self.settings.model}: {' '.join(str(started['fault']).split())[:500]}")

    def _arguments(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "model": settings.model,
            "revision": settings.revision,
            "trust_remote_code": False,
            "tensor_parallel_size": settings.tensor_parallel,
            "gpu_memory_utilization": settings.memory,
            "max_model_len": settings.max_length,
            "limit_mm_per_prompt": {"image": settings.max_pictures, "video": 0},
            "enable_prefix_caching": True,
            "load_format": "safetensors",
            **settings.extra,
        }

    def _told(self, value: Any) -> dict[str, Any]:
        """Send one line, and wait for the line that answers it."""
        try:
            self._asking.write(json.dumps(value) + "\n")
            self._asking.flush()
        except BrokenPipeError:
            pass  # it died; what it left to read says more
        line = self._answers.readline()
        if not line:
            code = self._worker.wait()
            raise EngineError(f"the process of vLLM ended with status {code}; the end of the rule's log says why")
        found: dict[str, Any] = json.loads(line)
        return found

    def reply(self, requests: Sequence[VlmRequest], arrived: Arrived = unheard) -> list[VlmReply]:
        """A reply to each request, in order. Where vLLM refuses a batch, each request is asked alone, and the one at fault fails."""
        replies = self._batch(requests)
        for number, reply in enumerate(replies):
            arrived(number, reply)
        return replies

    def _batch(self, requests: Sequence[VlmRequest]) -> list[VlmReply]:
        start = time.monotonic()
        told = self._told([self._asked(request) for request in requests])
        if "refused" in told:
            if len(requests) == 1:
                return [VlmReply("", self.name, failure=f"not accepted: {' '.join(str(told['refused']).split())[:300]}")]
            return [reply for request in requests for reply in self._batch([request])]
        seconds = (time.monotonic() - start) / len(requests)
        return [self._reply(value, seconds) for value in told["replies"]]

    def _asked(self, request: VlmRequest) -> dict[str, Any]:
        settings = self.settings
        temperature = max(settings.temperature, AGAIN_TEMPERATURE) if request.attempt else settings.temperature
        return {
            "messages": messages(request, lambda image: data_url(image, settings.pictures).decode()),
            "schema": request.schema if settings.structured else None,
            "temperature": temperature,
            "seed": settings.seed + request.attempt + REPEAT_SEEDS * request.repeat,
            "max_tokens": settings.max_tokens,
        }

    def _reply(self, value: Mapping[str, Any], seconds: float) -> VlmReply:
        usage = {name: int(value[name]) for name in ("in", "cached", "out")}
        return VlmReply(value["text"], self.name, usage, seconds, complete=bool(value["complete"]))
