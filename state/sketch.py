"""What is seen of a stored agent without reading it."""

from typing import Any, Final

import msgspec


class Sketch(msgspec.Struct, gc=False):
    """Which agent it is, and whatever a book keeps beside it."""

    id: str
    wallet: str
    trip: Any = None
    measure: Any = None
    update_due: Any = None
    public_key: Any = None


sketch_of: Final = msgspec.json.Decoder(Sketch).decode
