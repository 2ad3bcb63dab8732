"""Reads the processor profiles that Go programs give at `/debug/pprof/profile` (the format: github.com/google/pprof, profile.proto)."""

import gzip


def _varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def _fields(data):
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
        elif key & 7 == 2:
            length, at = _varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"a profile has no field of wire type {key & 7}")
        yield key >> 3, value


def _numbers(value):
    if isinstance(value, int):
        return [value]
    numbers, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(number)
    return numbers


def seconds_in(profile, pattern):
    """The processor seconds of the profile, and those of them in which a function that matches the pattern was on the stack."""
    samples, functions_of, names, texts = [], {}, {}, []
    for field, value in _fields(gzip.decompress(profile)):
        if field == 2:
            locations, values = [], []
            for part, inner in _fields(value):
                if part == 1:
                    locations += _numbers(inner)
                elif part == 2:
                    values += _numbers(inner)
            samples.append((locations, values[-1]))
        elif field == 4:
            number, functions = 0, []
            for part, inner in _fields(value):
                if part == 1:
                    number = inner
                elif part == 4:
                    functions += [function for key, function in _fields(inner) if key == 1]
            functions_of[number] = functions
        elif field == 5:
            entry = dict(pair for pair in _fields(value) if pair[0] in (1, 2))
            names[entry.get(1, 0)] = entry.get(2, 0)
        elif field == 6:
            texts.append(value.decode())
    matching = {number for number, name in names.items() if pattern.search(texts[name])}
    chosen = {number for number, functions in functions_of.items() if matching.intersection(functions)}
    total = sum(value for _, value in samples)
    return total / 1e9, sum(value for locations, value in samples if chosen.intersection(locations)) / 1e9
