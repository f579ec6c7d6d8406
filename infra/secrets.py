"""What nobody may see: keys of Gladia and Twilio, and the key that signs tickets."""

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.grants import allow
from infra.key import Key


class Secret(Construct):
    """A JSON object in Secrets Manager that begins as `{"<name>": "<64 random letters and digits>"}`.

    Random even where the deployer is to put in a value of his own: a placeholder that is known would let anybody
    sign webhooks until then. A later deployment leaves the value alone.
    """

    def __init__(self, scope: Construct, construct_id: str, *, description: str, name: str, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self._secret = secretsmanager.CfnSecret(
            self,
            "Resource",
            description=description,
            kms_key_id=None if key is None else key.resource.key_arn,
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                secret_string_template="{}",  # noqa: S106, an object to generate into
                generate_string_key=name,
                exclude_punctuation=True,
                password_length=64,
            ),
        )
        Validations.of(self._secret).acknowledge(
            Acknowledgment(id="AwsSolutions-SMG4", reason="rotated by hand: its issuer has no interface for it")
        )

    @property
    def arn(self) -> str:
        """The full ARN, by which a process asks for the value."""
        # Not Ref: that is the ARN on AWS, but only the name in the local AWS.
        return self._secret.attr_id

    def allow_read(self, grantee: iam.IGrantable) -> None:
        """Let `grantee` read the value."""
        allow(grantee, "secretsmanager:GetSecretValue", on=self.arn)


class Secrets(Construct):
    """The three secrets of a deployment."""

    def __init__(self, scope: Construct, construct_id: str, *, key: Key | None) -> None:
        super().__init__(scope, construct_id)
        self.gladia = Secret(
            self, "GladiaSecret", description='Gladia: put in {"api_key": "..."}', name="api_key", key=key
        )
        self.twilio = Secret(
            self,
            "TwilioSecret",
            description='Twilio: put in {"auth_token": "...", "previous_auth_token": "..."}, the second while rotating',
            name="auth_token",
            key=key,
        )
        self.signing = Secret(
            self,
            "SigningSecret",
            description="Signs tickets and the tokens of media streams; to rotate, move current to previous",
            name="current",
            key=key,
        )
