"""The ledger's mathematics: salted commitments in the append-only Merkle tree of RFC 9162, and its proofs. Pure.

A leaf is SHA-256(0x00 ‖ salt ‖ canonical JSON), the leaf hash of section 2.1.1 over a salted entry: it tells nothing
once the salt is gone. Hashes are 64 hexadecimal digits. The tree of n leaves is kept as its *peaks*: the roots of the
complete subtrees that its size is the sum of, largest first. They are at most 64 hashes, and all that an append needs.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence

SALT_BYTES = 32
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"
EMPTY_ROOT = hashlib.sha256().hexdigest()
"""The root of a tree without leaves (section 2.1.1)."""

Content = Mapping[str, str | int | bool | None]


def new_salt() -> str:
    """32 random bytes, as hexadecimal digits."""
    return secrets.token_hex(SALT_BYTES)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
"""Made once: to make one takes as long as to write a leaf down."""


def canonical(content: Mapping[str, object]) -> bytes:
    """The one way to write a JSON object down: keys sorted, no spaces, UTF-8. No floats: they have too many ways."""
    return _CANONICAL.encode(content).encode()


def leaf_hash(salt: str, content: Mapping[str, object]) -> str:
    """The commitment to a content."""
    return hashlib.sha256(LEAF_PREFIX + bytes.fromhex(salt) + canonical(content)).hexdigest()


def node_hash(left: str, right: str) -> str:
    return hashlib.sha256(NODE_PREFIX + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


# Growing


def grow(peaks: Sequence[str], size: int, leaves: Iterable[str]) -> list[str]:
    """The peaks of the tree of `size` leaves with these leaves after them."""
    grown = list(peaks)
    for leaf in leaves:
        grown.append(leaf)
        carry = size
        while carry & 1:  # as a binary counter carries: two subtrees of one height become one of the next
            right, left = grown.pop(), grown.pop()
            grown.append(node_hash(left, right))
            carry >>= 1
        size += 1
    return grown


def root_of(peaks: Sequence[str]) -> str:
    """The tree's root: peaks are joined from the smallest."""
    if not peaks:
        return EMPTY_ROOT
    *rest, root = peaks
    for peak in reversed(rest):
        root = node_hash(peak, root)
    return root


def root(leaves: Iterable[str]) -> str:
    """The root over all leaves, in one pass and without holding them."""
    return root_of(grow([], 0, leaves))


# Proofs


class Tree:
    """A tree of which some leaves, and the roots of some complete subtrees, are known."""

    def __init__(self, leaves: Sequence[str], *, before: Sequence[str] = (), size_before: int = 0) -> None:
        """`leaves` follow the first `size_before`, which are known by their peaks `before` alone."""
        self.size = size_before + len(leaves)
        self._known = {(size_before + at, size_before + at + 1): leaf for at, leaf in enumerate(leaves)}
        start = 0
        for peak, length in zip(before, _powers_in(size_before), strict=True):
            self._known[start, start + length] = peak
            start += length

    def inclusion(self, index: int) -> list[str]:
        """The siblings from a leaf to the root (section 2.1.3.1). The leaf is one of those that are known."""
        return self._path(index, 0, self.size)

    def consistency(self, first: int) -> list[str]:
        """That the tree of the first `first` leaves is a beginning of this one (section 2.1.4.1)."""
        return [] if first in (0, self.size) else self._subproof(first, 0, self.size, whole=True)

    def _hash(self, start: int, end: int) -> str:
        known = self._known.get((start, end))
        if known is None:
            middle = start + _largest_power_below(end - start)
            known = node_hash(self._hash(start, middle), self._hash(middle, end))
            self._known[start, end] = known
        return known

    def _path(self, index: int, start: int, end: int) -> list[str]:
        from_the_root = []
        while end - start > 1:
            middle = start + _largest_power_below(end - start)
            if index < middle:
                from_the_root.append(self._hash(middle, end))
                end = middle
            else:
                from_the_root.append(self._hash(start, middle))
                start = middle
        return from_the_root[::-1]

    def _subproof(self, first: int, start: int, end: int, *, whole: bool) -> list[str]:
        if first == end:
            return [] if whole else [self._hash(start, end)]
        middle = start + _largest_power_below(end - start)
        if first <= middle:
            return [*self._subproof(first, start, middle, whole=whole), self._hash(middle, end)]
        return [*self._subproof(first, middle, end, whole=False), self._hash(start, middle)]


def includes(leaf: str, index: int, size: int, path: Sequence[str], root: str) -> bool:
    """Whether the path proves the leaf at this index of the tree of that size and root (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            reached = node_hash(sibling, reached)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and reached == root


def is_consistent(first: int, first_root: str, second: int, second_root: str, path: Sequence[str]) -> bool:
    """Whether the path proves that the first tree is a beginning of the second (section 2.1.4.2)."""
    if first == second or first == 0:
        return not path and (first_root == second_root if first == second else first_root == EMPTY_ROOT)
    if not 0 < first < second:
        return False
    steps = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not steps:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _largest_power_below(size: int) -> int:
    """The largest power of two smaller than `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _powers_in(size: int) -> list[int]:
    """The powers of two that `size` is the sum of, largest first."""
    return [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]
