"""The stack Bridge: the process that carries audio, and its way in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import App, CfnOutput, Stack

from infra.assist import Assist
from infra.bridge_service import BridgeService, Scale
from infra.data_stack import DataStack
from infra.domain_ingress import DomainIngress
from infra.media_ingress import MediaIngress
from infra.media_targets import CERTIFIED_PORT
from infra.network import Network
from infra.parameters import Parameter
from infra.push_api import PushApi
from infra.sip_ingress import AUDIOSOCKET_PORT, RTP_FIRST, RTP_LAST, SipIngress
from infra.sip_ingress import PORT as SIP_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A name for the bridge, and the zone in Route 53 that its parent name is."""

    name: str
    hosted_zone_id: str
    client_ca: str  # bucket and key of those who certify trunks; empty: there are no client certificates


class BridgeStack(Stack):
    """A network, the ingress, the service, and the parameter that tells the voice function where audio goes."""

    def __init__(
        self,
        app: App,
        construct_id: str,
        *,
        stage: str,
        data: DataStack,
        push_api: PushApi,
        assist: Assist,
        media_url: Parameter,
        source: Path,
        scale: Scale,
        domain: Domain | None,
        origin_prefix_list: str,
        sip_networks: Sequence[str],
        audiosocket_trunk: str,
    ) -> None:
        super().__init__(app, construct_id, stack_name=f"callscribe-{stage}-bridge")
        network = Network(self, "Network")
        ingress: MediaIngress | DomainIngress
        if domain is None:
            ingress = MediaIngress(self, "Ingress", vpc=network.vpc, origin_prefix_list=origin_prefix_list)
        else:
            ingress = DomainIngress(
                self,
                "Ingress",
                vpc=network.vpc,
                domain_name=domain.name,
                hosted_zone_id=domain.hosted_zone_id,
                client_ca=domain.client_ca,
            )
        certified_environment = {}
        if isinstance(ingress, DomainIngress) and ingress.certified_url:
            certified_environment = {"CERTIFIED_PORT": str(CERTIFIED_PORT)}
            CfnOutput(
                self,
                "CertifiedMediaUrl",
                value=ingress.certified_url,
                description="Where trunks with client certificates open media streams",
            )
        sip, sip_environment = None, {}
        if sip_networks:
            has_audiosocket = bool(audiosocket_trunk)
            sip = SipIngress(self, "Sip", vpc=network.vpc, networks=sip_networks, has_audiosocket=has_audiosocket)
            sip_environment = {"SIP_PORT": str(SIP_PORT), "RTP_PORTS": f"{RTP_FIRST}-{RTP_LAST}"}
            if has_audiosocket:
                sip_environment |= {
                    "AUDIOSOCKET_PORT": str(AUDIOSOCKET_PORT),
                    "AUDIOSOCKET_TRUNK": audiosocket_trunk,
                }
        self.service = service = BridgeService(
            self,
            "Service",
            source=source,
            vpc=network.vpc,
            ingress=ingress,
            sip=sip,
            scale=scale,
            environment={
                "CALLS_TABLE": data.calls.table_name,
                "SUBSCRIPTIONS_TABLE": data.subscriptions.table_name,
                "SESSIONS_TABLE": data.sessions.table_name,
                "KEYS_TABLE": data.keys.table_name,
                "TRUSTED_HOPS": str(ingress.hops),
                "PUSH_ENDPOINT": push_api.endpoint,
                "ASSIST_FUNCTION": assist.function.resource.function_name,
                "MEDIA_URL": ingress.url,
                "GLADIA_URL": "https://api.gladia.io",
                "GLADIA_SECRET": data.secrets.gladia.arn,
                "TWILIO_SECRET": data.secrets.twilio.arn,
                "SIGNING_SECRET": data.secrets.signing.arn,
                **sip_environment,
                **certified_environment,
            },
        )
        data.calls.allow_append(service.role)
        data.subscriptions.allow_find(service.role)
        data.sessions.allow_keep(service.role)
        data.keys.allow_check(service.role)  # trunks are in the same table
        push_api.allow_post(service.role)
        assist.allow_ask(service.role)
        for secret in (data.secrets.gladia, data.secrets.twilio, data.secrets.signing):
            secret.allow_read(service.role)

        media_url.make(self, "MediaUrlParameter", value=ingress.url, description="Where media streams are opened")
        CfnOutput(self, "MediaUrl", value=ingress.url, description="Where Twilio's media streams are opened")
        if sip is not None:
            CfnOutput(self, "SipHost", value=sip.host, description="Where calls are recorded: sip:<trunk>@…:5060")
