"""The seed of an edit."""

import hashlib


def seed_of(instruction: str, editor: str) -> int:
    """A number below 2**63 that depends on the instruction's key and the editor's name, and on nothing else."""
    return int.from_bytes(hashlib.blake2b(f"seed\0{instruction}\0{editor}".encode(), digest_size=8).digest()) >> 1
