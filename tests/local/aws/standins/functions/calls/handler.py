"""Answers with what API Gateway handed over."""

import json


def handler(event, context):
    seen = {name: event.get(name) for name in ("rawPath", "routeKey", "queryStringParameters", "pathParameters")}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(seen)}
