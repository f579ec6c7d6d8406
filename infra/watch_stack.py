"""The stack Watch: what tells people how a stage does, and calls them."""

from collections.abc import Iterator

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions

from infra import alarms
from infra.api_stack import ApiStack
from infra.bridge_service import Scale
from infra.dashboard import Dashboard
from infra.metrics import namespace


class WatchStack(Stack):
    """A dashboard, alarms, and the topic that they go to."""

    def __init__(
        self, app: App, construct_id: str, *, stage: str, api: ApiStack, scale: Scale, alarm_email: str
    ) -> None:
        """`alarm_email` gets what the topic gets, once its owner has agreed; the topic takes other subscribers too."""
        super().__init__(app, construct_id, stack_name=f"callscribe-{stage}-watch")
        topic = sns.Topic(self, "Alarms", display_name=f"callscribe {stage}", enforce_ssl=True)
        if alarm_email:
            topic.add_subscription(subscriptions.EmailSubscription(alarm_email))
        call = actions.SnsAction(topic)
        made = []
        for each in self._alarms(api, scale):
            alarm = cloudwatch.Alarm(
                self,
                "".join(word.title() for word in each.name.split("-")),
                alarm_name=f"callscribe-{stage}-{each.name}",
                alarm_description=f"{each.says}; docs/operate.md, {each.name}",
                metric=each.metric,
                threshold=each.beyond,
                comparison_operator=each.comparison,
                evaluation_periods=each.minutes,
                treat_missing_data=each.treatment,
            )
            alarm.add_alarm_action(call)
            alarm.add_ok_action(call)
            made.append(alarm)
        Dashboard(
            self,
            "Dashboard",
            name=f"callscribe-{stage}",
            namespace=namespace(self),
            functions=api.functions,
            alarms=made,
        )
        CfnOutput(self, "AlarmsTopic", value=topic.topic_arn, description="Alarms go here: subscribe your pager")

    def _alarms(self, api: ApiStack, scale: Scale) -> Iterator[alarms.Alarm]:
        space, functions = namespace(self), api.functions
        yield from alarms.of_the_bridge(space)
        if scale.tasks:
            yield from alarms.of_its_tasks(space, calls_per_task=scale.calls_per_task)
        for name, function in functions.items():
            yield from alarms.of_a_function(name, function)
        yield from alarms.of_the_way_to_clients(space, functions["push"], api.push_failures)
        yield from alarms.of_the_bus(functions["publish"], api.publish_failures)
        yield alarms.of_a_queue("finish", "calls have no transcript to keep", api.finish_failures)
        yield alarms.of_a_queue("batch", "second passes were given up", api.batch_failures)
        yield alarms.of_a_queue("deliver", "webhooks are stuck on the way to endpoints", api.deliver_failures)
        yield alarms.of_deliveries(space)
        yield from alarms.of_the_webhooks(functions["voice"], functions["sweep"])
