"""botocore's own descriptions of AWS's services, cut down to the operations that functions ask for.

A client reads the whole description of its service when it is made, and the first one all endpoints of all services:
most of what a client costs in a cold start. botocore looks for these files where AWS_DATA_PATH says before it looks
into itself; a client made with them knows the operations below and no others, and all that it asks goes where it would
have gone.

Source: botocore, `botocore.loaders`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from botocore.loaders import Loader

FOLDER: Final = "models"
DATA_PATH: Final = f"$LAMBDA_TASK_ROOT/{FOLDER}"  # botocore puts the variable in

OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "athena": ("StartQueryExecution", "GetQueryExecution", "GetQueryResults"),
    "dynamodb": ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"),
    "events": ("PutEvents",),
    "lambda": ("Invoke",),
    # The fourth is botocore's own, to find a bucket's region.
    "s3": ("DeleteObject", "GetObject", "PutObject", "HeadBucket", "ListObjectsV2", "ListObjectVersions"),
    "secretsmanager": ("GetSecretValue",),
    "sqs": ("ChangeMessageVisibility", "SendMessage"),
    "ssm": ("GetParameter",),
}


def write(folder: Path) -> None:
    """Write the descriptions into the new folder `folder`, as botocore lays out its own."""
    loader = Loader(include_default_search_paths=False, extra_search_paths=[Loader.BUILTIN_DATA_PATH])
    for service, operations in OPERATIONS.items():
        version = loader.determine_latest_version(service, "service-2")
        model = loader.load_service_model(service, "service-2", version)
        _write(folder / service / version / "service-2.json", cut(model, operations))
    _write(folder / "endpoints.json", _endpoints(loader.load_data("endpoints")))


def cut(model: Mapping[str, Any], operations: tuple[str, ...]) -> dict[str, Any]:
    """Return `model` with these operations and the shapes that they need, both without explanations."""
    kept = {name: model["operations"][name] for name in operations}
    waiting, shapes = list(_shapes(kept)), dict[str, Any]()
    while waiting:
        if (name := waiting.pop()) not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _shapes(shapes[name])
    return {**model, "operations": _unexplained(kept), "shapes": _unexplained(shapes)}


def _endpoints(endpoints: Mapping[str, Any]) -> dict[str, Any]:
    """Return all partitions and regions, and of their services ours."""
    partitions = [
        {**each, "services": {name: said for name, said in each["services"].items() if name in OPERATIONS}}
        for each in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _shapes(value: Any) -> Iterator[str]:
    """Yield the names of the shapes that a part of a model refers to."""
    match value:
        case {"shape": str(name)}:
            yield name
        case dict():
            for each in value.values():
                yield from _shapes(each)
        case list():
            for each in value:
                yield from _shapes(each)


def _unexplained(value: Any) -> Any:
    match value:
        case dict():
            # A shape's member may have this name too, and then it is no text.
            return {
                key: _unexplained(each)
                for key, each in value.items()
                if not (key == "documentation" and isinstance(each, str))
            }
        case list():
            return [_unexplained(each) for each in value]
    return value


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, separators=(",", ":")), encoding="utf-8")
