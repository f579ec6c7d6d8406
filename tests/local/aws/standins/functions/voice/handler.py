"""Answers with what it was given: the request as API Gateway hands it over, and its own environment."""

import json
import os


def handler(event, context):
    body = {
        "path": event["rawPath"],
        "method": event["requestContext"]["http"]["method"],
        "body": event.get("body"),
        "is_base64": event["isBase64Encoded"],
        "signature": event["headers"].get("x-twilio-signature"),
        "public_url": os.environ["PUBLIC_URL"],
    }
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
