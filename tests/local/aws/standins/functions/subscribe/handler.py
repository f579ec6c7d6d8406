"""Posts the event of each message back to its connection."""

import json
import os

import boto3

gateway = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["PUSH_ENDPOINT"])


def handler(event, context):
    where = event["requestContext"]
    if where["eventType"] == "MESSAGE":
        gateway.post_to_connection(ConnectionId=where["connectionId"], Data=json.dumps(event))
    return {"statusCode": 200}
