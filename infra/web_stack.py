"""The stack Web: the page where people follow calls."""

from pathlib import Path

from aws_cdk import App, CfnOutput, Stack

from infra.page import Page


class WebStack(Stack):
    """The page, for people with an API key; products do without this stack."""

    def __init__(self, app: App, construct_id: str, *, stage: str, code: Path, api_url: str) -> None:
        super().__init__(app, construct_id, stack_name=f"callscribe-{stage}-web")
        page = Page(self, "Page", code=code, api_url=api_url)
        CfnOutput(self, "PageUrl", value=page.url, description="The page: calls in progress and past")
        CfnOutput(self, "PageOriginUrl", value=page.origin_url, description="The same without CloudFront before it")
