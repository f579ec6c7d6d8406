"""An AWS on this machine, for the templates as they are synthesized."""

from local.aws.cloudformation import DeployError
from local.aws.engine import EngineError
from local.aws.local_aws import LocalAws
from local.aws.local_stack import LocalStack
from local.aws.stream_poller import polling
from local.aws.warm import warm

__all__ = ["DeployError", "EngineError", "LocalAws", "LocalStack", "polling", "warm"]
