"""The CDK constructs, one file each, named for what it offers."""

from infra.node import use_packaged_node

use_packaged_node()  # here, so that no module of this package can import aws_cdk before it
