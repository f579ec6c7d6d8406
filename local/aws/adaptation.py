"""What is changed in a template before the local AWS gets it, and nothing else is.

1. Resources of the types in LEFT_OUT go: ministack does not know them, or they ask for TLS.
2. References to them become the values in STAND_INS.
3. Rights to the actions in ANYWHERE hold for any resource: ministack can't tell from the request which one it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from local.aws.cloudformation import DeployError

LEFT_OUT: Final[Mapping[str, str]] = {
    "AWS::CloudFront::VpcOrigin": "media streams go straight to the bridge",
    "AWS::ApplicationAutoScaling::ScalableTarget": "there is one bridge, or as many as a test starts",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "as above",
    "AWS::S3::BucketPolicy": "it denies what does not come over TLS, and here nothing does",
}

ANYWHERE: Final[Mapping[str, str]] = {
    "athena:GetQueryExecution": "the request names a query, and AWS looks for its workgroup",
    "athena:GetQueryResults": "as above",
}

# By type and attribute; the attribute "Ref" is what `Ref` gives.
STAND_INS: Final[Mapping[tuple[str, str], str]] = {
    ("AWS::CloudFront::VpcOrigin", "Id"): "vo_local",
}


def adapt(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return `template` as the local AWS takes it. Raises DeployError if a reference would lead nowhere."""
    resources: Mapping[str, Any] = template.get("Resources", {})
    types = {name: resource["Type"] for name, resource in resources.items()}
    kept = {name: resource for name, resource in resources.items() if types[name] not in LEFT_OUT}
    adapted: dict[str, Any] = _adapt({**template, "Resources": kept}, types)
    return adapted


def _adapt(value: Any, types: Mapping[str, str]) -> Any:
    match value:
        case {"Statement": [*statements]}:
            widened = [each for statement in statements for each in _widened(statement)]
            return {**_adapt({key: each for key, each in value.items() if key != "Statement"}, types),
                    "Statement": _adapt(widened, types)}  # fmt: skip
        case {"Ref": str(name)} if name in types:
            return _stand_in(types[name], "Ref", value)
        case {"Fn::GetAtt": [str(name), str(attribute)]} if name in types:
            return _stand_in(types[name], attribute, value)
        case {"DependsOn": _}:
            rest = {key: each for key, each in value.items() if key != "DependsOn"}
            return {**_adapt(rest, types), "DependsOn": _depends_on(value["DependsOn"], types)}
        case dict():
            return {key: _adapt(each, types) for key, each in value.items()}
        case list():
            return [_adapt(each, types) for each in value]
    return value


def _widened(statement: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the statements that say the same of a policy, but for the actions in ANYWHERE."""
    actions = statement.get("Action")
    listed = actions if isinstance(actions, list) else [actions]
    wide = [action for action in listed if action in ANYWHERE]
    if not wide:
        return [statement]
    rest = [action for action in listed if action not in ANYWHERE]
    return [
        *([{**statement, "Action": rest}] if rest else []),
        {**statement, "Action": wide, "Resource": "*"},
    ]


def _stand_in(kind: str, attribute: str, reference: Mapping[str, Any]) -> Any:
    if kind in LEFT_OUT and (kind, attribute) not in STAND_INS:
        raise DeployError(f"{kind} is left out here, and nothing stands in for its {attribute}")
    return STAND_INS.get((kind, attribute), reference)


def _depends_on(names: Any, types: Mapping[str, str]) -> list[str]:
    return [name for name in ([names] if isinstance(names, str) else names) if types.get(name) not in LEFT_OUT]
