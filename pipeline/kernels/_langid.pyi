from collections.abc import Sequence

class Model: ...  # a capsule

def build(
    grams: bytes,
    starts: bytes,
    entry_of: bytes,
    entries: bytes,
    characters: bytes,
    state: bytes,
    languages: int,
    compensated: bool,
    /,
) -> Model: ...
def chances(model: Model, texts: Sequence[bytes], /) -> bytes: ...
