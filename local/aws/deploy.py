"""Bring a synthesized app into the local AWS, as `cdk deploy --all` does, and make it answer on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local.aws.adaptation import adapt
from local.aws.assembly import SynthesizedStack, read_assembly
from local.aws.assets import upload
from local.aws.cloudformation import CloudFormation
from local.aws.deployed import Deployed, Resource
from local.aws.settle import settle

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

    from local.aws.access import Access
    from local.aws.local_stack import LocalStack

Progress = Callable[[str, int, int], None]

# What the CDK command line would have made: the version that templates of its default synthesizer ask for.
BOOTSTRAP_VERSION: Final = "30"


def deploy(
    folder: Path,
    *,
    root: Access,
    secrets: Mapping[str, Mapping[str, str]],
    media_url: str,
    outside: Mapping[str, str],
    progress: Progress = lambda _what, _done, _total: None,
) -> LocalStack:
    """Deploy the assembly in `folder` and return what came of it; blocks for some seconds.

    `secrets` are values of secrets by the variable that names each one's ARN to the bridge, such as TWILIO_SECRET; one
    left out keeps what CloudFormation generated. `media_url` is where the bridge will take media streams. `outside`
    has the addresses of services outside AWS by the variable that names each to functions, such as TWILIO_URL; one left
    out is nobody's. `progress` is told what is being done, how many steps are behind and how many there are. Raises
    MalformedAssembly, DeployError.
    """
    stacks = read_assembly(folder)
    total = len(stacks) + 2
    progress("bundles", 0, total)
    _upload(stacks, root)
    formation = CloudFormation(root)
    _satisfy_bootstrap_rules(stacks, root)
    resources: list[Resource] = []
    outputs: dict[str, str] = {}
    for done, stack in enumerate(stacks, 1):
        progress(f"stack {stack.name}", done, total)
        formation.apply(stack.name, adapt(stack.template))
        resources.extend(_resources(stack, formation.resources(stack.name)))
        outputs |= formation.outputs(stack.name)
    progress("settings", total - 1, total)
    deployed = Deployed(tuple(resources), outputs)
    local = settle(deployed, root=root, secrets=secrets, media_url=media_url, outside=outside)
    progress("deployed", total, total)
    return local


def _upload(stacks: Sequence[SynthesizedStack], root: Access) -> None:
    s3: S3Client = root.client("s3")
    assets = {(asset.bucket, asset.key): asset for stack in stacks for asset in stack.assets}
    for asset in assets.values():
        upload(asset, s3=s3, account=root.account, region=root.region)


def _satisfy_bootstrap_rules(stacks: Sequence[SynthesizedStack], root: Access) -> None:
    ssm: SSMClient = root.client("ssm")
    versions = [stack.template.get("Parameters", {}).get("BootstrapVersion") for stack in stacks]
    for name in {version["Default"] for version in versions if version}:
        ssm.put_parameter(Name=name, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)


def _resources(stack: SynthesizedStack, ids: Mapping[str, str]) -> Iterator[Resource]:
    for name, resource in stack.template["Resources"].items():
        if name in ids:  # those left out have none
            yield Resource(resource["Type"], ids[name], resource.get("Properties", {}))
