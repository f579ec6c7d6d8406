"""From the bytes of a request to what it asks for, or to all that is wrong with them at once.

Gladia names each fault in `validation_errors`; msgspec stops at the first. So the declarations of a shape are
walked here, and the wording is that of class-validator, as in the one example of Gladia's document.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

from local.gladia.errors import decode_json, invalid

METADATA_LIMIT_CHARACTERS = 2000  # Gladia, "Custom metadata"

Asked = TypeVar("Asked")


def read(
    body: bytes,
    shape: type[Asked],
    *,
    across: Callable[[dict[str, Any]], Iterator[str]],
    nested_unknowns_refused: bool = False,
) -> Asked:
    """Return what `body` asks for, a struct of `shape`, with the defaults filled in.

    `across` yields what no field shows alone. Raises RequestError 400 with one entry in `validation_errors` for each
    fault. A null counts as absent. Unknown properties are refused at the top level; below it only if
    `nested_unknowns_refused`.
    """
    given = decode_json(body or b"{}")
    if not isinstance(given, dict):
        raise invalid("body must be an object")
    metadata = given.pop("custom_metadata", None)
    try:
        given = _as_written(given)
    except RecursionError as error:
        raise invalid("body is nested too deeply") from error
    if metadata is not None:
        given["custom_metadata"] = metadata  # the client's own: kept to the letter
    known = cast("inspect.StructType", inspect.type_info(shape))
    faults = [*_unknown(known, given, ""), *_faults(known, given, "", refuse_unknown=nested_unknowns_refused)]
    if not faults:
        faults = [*across(given), *_too_long(given)]
    if faults:
        raise invalid(*faults)
    return msgspec.convert(given, shape)


def _too_long(given: dict[str, Any]) -> Iterator[str]:
    if len(msgspec.json.encode(given.get("custom_metadata", {})).decode()) > METADATA_LIMIT_CHARACTERS:
        yield f"custom_metadata must be shorter than or equal to {METADATA_LIMIT_CHARACTERS} characters"


def _faults(shape: inspect.Type, value: Any, path: str, *, refuse_unknown: bool) -> Iterator[str]:
    """Yield what is wrong with `value`, which stands at `path`, as a text for each fault."""
    match shape:
        case inspect.StructType():
            yield from _faults_of_struct(shape, value, path, refuse_unknown=refuse_unknown)
        case inspect.VarTupleType():
            yield from _faults_of_array(shape, value, path, refuse_unknown=refuse_unknown)
        case inspect.DictType(value_type=item):
            if not isinstance(value, dict):
                yield f"{path} must be an object"
                return
            for key, each in value.items():
                yield from _faults(item, each, f"{path}.{key}", refuse_unknown=refuse_unknown)
        case inspect.UnionType(types=types):
            choices = [each for each in types if not isinstance(each, inspect.NoneType)]
            fitting = [each for each in choices if isinstance(each, inspect.StructType) == isinstance(value, dict)]
            yield from _faults((fitting or choices)[0], value, path, refuse_unknown=refuse_unknown)
        case inspect.IntType() | inspect.FloatType():
            yield from _faults_of_number(shape, value, path)
        case _:
            yield from _faults_of_scalar(shape, value, path)


def _faults_of_struct(shape: inspect.StructType, value: Any, path: str, *, refuse_unknown: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} must be an object"
        return
    for field in shape.fields:
        below = f"{path}.{field.encode_name}" if path else field.encode_name
        if field.encode_name in value:
            yield from _faults(field.type, value[field.encode_name], below, refuse_unknown=refuse_unknown)
        elif field.required:
            yield f"{below} should not be null or undefined"
    if path and refuse_unknown:
        yield from _unknown(shape, value, path)


def _faults_of_array(shape: inspect.VarTupleType, value: Any, path: str, *, refuse_unknown: bool) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path} must be an array"
        return
    if len(value) < (shape.min_length or 0):
        yield f"{path} must contain at least {shape.min_length} elements"
    for index, each in enumerate(value):
        yield from _faults(shape.item_type, each, f"{path}.{index}", refuse_unknown=refuse_unknown)


def _faults_of_scalar(shape: inspect.Type, value: Any, path: str) -> Iterator[str]:
    match shape:
        case inspect.LiteralType(values=values):
            if isinstance(value, bool) or value not in values:
                yield f"{path} must be one of the following values: {', '.join(map(str, values))}"
        case inspect.BoolType():
            if not isinstance(value, bool):
                yield f"{path} must be a boolean value"
        case inspect.StrType():
            if not isinstance(value, str):
                yield f"{path} must be a string"


def _faults_of_number(shape: inspect.IntType | inspect.FloatType, value: Any, path: str) -> Iterator[str]:
    is_integer = isinstance(shape, inspect.IntType)
    if isinstance(value, bool) or not isinstance(value, int if is_integer else int | float):
        kind = "an integer number" if is_integer else "a number conforming to the specified constraints"
        yield f"{path} must be {kind}"
        return
    if shape.ge is not None and value < shape.ge:
        yield f"{path} must not be less than {shape.ge:g}"
    if shape.le is not None and value > shape.le:
        yield f"{path} must not be greater than {shape.le:g}"


def _unknown(shape: inspect.StructType, value: dict[str, Any], path: str) -> Iterator[str]:
    known = {field.encode_name for field in shape.fields}
    for name in value:
        if name not in known:
            yield f"property {path + '.' if path else ''}{name} should not exist"


def _as_written(value: Any) -> Any:
    """Return `value` without its nulls, and with 8.0 as 8: JSON has one kind of number."""
    if isinstance(value, dict):
        return {name: _as_written(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_as_written(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
