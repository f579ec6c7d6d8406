"""The CDK app: reads context, composes the stacks. `python app.py -c stage=dev` writes them to cdk.out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from infra.api_stack import ApiStack
from infra.bridge_service import Scale
from infra.bridge_stack import BridgeStack, Domain
from infra.bundle import Bundles
from infra.calls import Access
from infra.calls_api import Issuer
from infra.context import BadContext, Context
from infra.data_stack import DataStack
from infra.packages import ROOT
from infra.parameters import Parameter
from infra.region import missing
from infra.synth import main
from infra.watch_stack import WatchStack
from infra.web_stack import WebStack

if TYPE_CHECKING:  # not before infra, which tells aws_cdk what Node to run on
    from aws_cdk import App


def compose(app: App) -> None:
    """Put the stacks Data, Api, Web, Bridge and Watch into `app`, as its context says."""
    context = Context.read(app.node)
    region = os.environ.get("CDK_DEFAULT_REGION", "")  # told by CDK's command line; plain synth is for any
    if lacks := missing(region):
        raise BadContext(f"region {region}: there is no {', no '.join(lacks)}")
    # Made by Bridge and read by Api, which Bridge needs: the name that both know breaks the circle.
    media_url = Parameter(stage=context.stage, name="media-url")
    issuer = None
    if context.jwt_issuer:
        issuer = Issuer(url=context.jwt_issuer, audiences=tuple(context.jwt_audience.split(",")))
    data = DataStack(
        app, "Data", stage=context.stage, settings=context.settings, has_own_key=context.encryption == "own"
    )
    with Bundles(target=context.bundle) as bundles:
        api = ApiStack(
            app,
            "Api",
            stage=context.stage,
            data=data,
            media_url=media_url,
            bundles=bundles,
            access=Access(
                origins=context.api_origins.split(","),
                issuer=issuer,
                tenant_claim=context.jwt_tenant_claim,
            ),
            makes_account_logs_role=context.account_logs_role == "make",
        )
        WebStack(app, "Web", stage=context.stage, code=bundles.make("page"), api_url=api.api_url)
    scale = Scale(tasks=context.tasks, tasks_max=context.tasks_max, calls_per_task=context.calls_per_task)
    BridgeStack(
        app,
        "Bridge",
        stage=context.stage,
        data=data,
        push_api=api.push_api,
        assist=api.assist,
        media_url=media_url,
        source=ROOT,
        scale=scale,
        domain=Domain(name=context.domain_name, hosted_zone_id=context.hosted_zone_id, client_ca=context.client_ca)
        if context.domain_name
        else None,
        origin_prefix_list=context.origin_prefix_list,
        sip_networks=context.sip_networks,
        audiosocket_trunk=context.audiosocket_trunk,
    )
    WatchStack(app, "Watch", stage=context.stage, api=api, scale=scale, alarm_email=context.alarm_email)


if __name__ == "__main__":
    main(compose)
