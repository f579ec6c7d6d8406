"""Lets in whoever has the ticket `good`."""


def handler(event, context):
    effect = "Allow" if event["queryStringParameters"]["ticket"] == "good" else "Deny"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": "ticket",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"tenant": "t1", "until": 1795352400},
    }
