"""vLLM in a process of its own, perhaps of another environment: reads requests from one file descriptor, writes replies to another, a JSON line each.

Nothing of this project is imported, for the environment need not have it. What vLLM prints goes to standard error and so into the rule's log. Written
against vLLM 0.33.0 (`LLM.chat`, `SamplingParams.structured_outputs`).
"""

import json
import os
import sys
from typing import Any


def sampling(request: dict[str, Any]) -> Any:
    """vLLM's parameters of one request."""
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    schema = request["schema"]
    return SamplingParams(
        temperature=request["temperature"],
        seed=request["seed"],
        max_tokens=request["max_tokens"],
        structured_outputs=StructuredOutputsParams(json=schema) if schema is not None else None,
    )


def reply(output: Any) -> dict[str, Any]:
    """What the engine needs to know of vLLM's answer."""
    best = output.outputs[0]
    return {
        "text": best.text,
        "complete": best.finish_reason != "length",
        "in": len(output.prompt_token_ids or ()),
        "cached": output.num_cached_tokens or 0,
        "out": len(best.token_ids),
    }


def main() -> None:
    asked, answered = os.fdopen(int(sys.argv[1]), "r", encoding="utf-8"), os.fdopen(int(sys.argv[2]), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print

    def say(value: dict[str, Any]) -> None:
        answered.write(json.dumps(value) + "\n")
        answered.flush()

    try:
        from vllm import LLM

        model = LLM(**json.loads(asked.readline()))
    except Exception as error:
        say({"fault": f"{type(error).__name__}: {error}"})
        raise
    say({})
    for line in asked:
        requests = json.loads(line)
        try:
            outputs = model.chat([request["messages"] for request in requests], [sampling(request) for request in requests], use_tqdm=False)
        except ValueError as error:  # a request that is too long, a picture too many: whose fault it is shows when each is asked alone
            say({"refused": f"{type(error).__name__}: {error}"})
            continue
        say({"replies": [reply(output) for output in outputs]})


if __name__ == "__main__":
    main()
