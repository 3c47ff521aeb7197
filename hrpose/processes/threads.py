"""Reading ahead of the network, in a thread and with a bounded queue."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import Full, Queue
from typing import Any, TypeVar

Item = TypeVar("Item")
_LOOK = 0.1  # seconds between two looks whether anybody still wants the next item


def ahead(items: Iterable[Item], depth: int) -> Iterator[Item]:
    """`items`, fetched by a thread of its own that is at most `depth` of them ahead.

    What goes wrong there is raised here, after the items before it. The thread ends with this
    generator, however that ends.
    """
    queue: Queue[tuple[str, Any]] = Queue(depth)
    unwanted = threading.Event()

    def put(kind: str, value: Any) -> bool:
        while not unwanted.is_set():
            try:
                queue.put((kind, value), timeout=_LOOK)
                return True
            except Full:
                continue
        return False

    def fetch() -> None:
        source = iter(items)
        try:
            for item in source:
                if not put("item", item):
                    break
            put("end", None)
        except BaseException as error:
            put("error", error)
        finally:
            if hasattr(source, "close"):
                source.close()

    thread = threading.Thread(target=fetch, name="hrpose reader", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = queue.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        unwanted.set()
        thread.join()
