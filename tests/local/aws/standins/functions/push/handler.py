"""Does with each record what its body says: post it to a connection, or fail."""

import json
import os

import boto3

gateway = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["PUSH_ENDPOINT"])


def handler(event, context):
    for record in event["Records"]:
        told = json.loads(record["dynamodb"]["NewImage"]["body"]["S"])
        if told.get("fails"):
            number = record["dynamodb"]["SequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": number}]}
        gateway.post_to_connection(ConnectionId=told["to"], Data=json.dumps(record))
    return {"batchItemFailures": []}
