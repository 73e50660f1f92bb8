def statistics(stream: object, count: int, classes: bytes, parts: int) -> bytes: ...
def weights(stream: object, count: int, table: bytes, above: int) -> bytes: ...
def chunks(
    stream: object,
    count: int,
    classes: bytes,
    weights: bytes,
    above: int,
    limit: int,
    overlap: int,
    grain: int,
) -> bytes: ...
