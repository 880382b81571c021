"""The sensor `alerts`: looks at the runs that ended, and sends what there is to tell."""

import datetime as dt
import time
from typing import Any

import dagster as dg
from pydantic import SecretStr

from taxi_platform.automation.alerts.alert import message
from taxi_platform.automation.alerts.findings import of_run, of_sensors
from taxi_platform.automation.alerts.outbox import Outbox
from taxi_platform.automation.plan import Plan
from taxi_platform.errors import SettingsError

ALERTS = "alerts"
LOOK_EVERY_S = 15
RUNS_A_LOOK = 100

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


class AlertsResource(dg.ConfigurableResource[Any]):
    """Where alerts go: any of the channels of apprise. The URLs hold tokens: they are never shown, and nowhere kept."""

    urls: dg.ResourceDependency[SecretStr]  # no field: Dagster writes those into its history

    def __init__(self, urls: str | SecretStr) -> None:
        super().__init__(urls=urls if isinstance(urls, SecretStr) else SecretStr(urls))  # type: ignore[call-arg]

    def send(self, title: str, text: str) -> bool:
        """Send a message to every channel; whether it arrived at all of them.

        Raises:
            SettingsError: apprise is missing, or knows one of the URLs not.
        """
        import logging
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # apprise's own, of what a later Python has no more
            try:
                import apprise
            except ImportError:
                raise SettingsError(
                    "Alerts need apprise, which is not installed: pip install 'taxi-platform[alerts]'."
                ) from None
            logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its words may hold the URLs
            channels = apprise.Apprise()
            for number, url in enumerate(self.urls.get_secret_value().split(), 1):
                if not channels.add(url):
                    raise SettingsError(
                        f"TAXI_ALERTS: apprise does not know URL number {number} ({url.partition('://')[0][:20]}://...)."
                    )
            return bool(channels.notify(body=text, title=title))


def alerts_sensor(plan: Plan) -> dg.SensorDefinition:
    """The sensor `alerts`; it runs from the start where TAXI_ALERTS says where to send to."""

    @dg.sensor(
        name=ALERTS,
        minimum_interval_seconds=LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING if plan.alerts else dg.DefaultSensorStatus.STOPPED,
        description=(
            f"Sends alerts of: {', '.join(plan.alerts_on) or 'nothing'} (TAXI_ALERTS_ON) to where TAXI_ALERTS says. "
            "What comes up shortly after a message waits for the next one; the same is not told twice a day."
        ),
    )
    def alerts(context: dg.SensorEvaluationContext, channels: AlertsResource) -> Any:
        outbox, now = Outbox.of(context.cursor), time.time()
        if not plan.alerts:
            return dg.SkipReason("TAXI_ALERTS does not say where to send alerts to.")
        for record in _ended_since(context.instance, outbox, now):
            outbox.take(of_run(context.instance, record.dagster_run, plan.ui), plan.alerts_on, now)
        outbox.take(of_sensors(context.instance, plan.ui), plan.alerts_on, now)
        said = _send(channels, outbox, now, plan.alerts_every_s)
        return dg.SensorResult(skip_reason=said, cursor=outbox.cursor())

    return alerts


def _ended_since(instance: dg.DagsterInstance, outbox: Outbox, now: float) -> list[dg.RunRecord]:
    """The runs that ended since the last look, each once. What ended before the first look is no news."""
    if not outbox.seen_until:
        outbox.seen_until = now
        return []
    since = dt.datetime.fromtimestamp(outbox.seen_until - 1, dt.UTC)
    records = instance.get_run_records(
        dg.RunsFilter(statuses=_ENDED, updated_after=since),
        limit=RUNS_A_LOOK,
        order_by="update_timestamp",
        ascending=True,
    )
    new = [record for record in records if record.dagster_run.run_id not in outbox.seen]
    if records:
        outbox.seen_until = max(outbox.seen_until, records[-1].update_timestamp.replace(tzinfo=dt.UTC).timestamp())
        outbox.seen = [r.dagster_run.run_id for r in records]
    return new


def _send(channels: AlertsResource, outbox: Outbox, now: float, every_s: float) -> str:
    """Send what is due; what is said of it."""
    alerts = outbox.due(now, every_s)
    if not alerts:
        return f"{len(outbox.waiting)} alerts wait for the next message" if outbox.waiting else "nothing to tell"
    title, text = message(alerts)
    if outbox.left_out:
        text += f"\n\nAnd {outbox.left_out} more, of which only the runs tell."
    try:
        arrived = channels.send(title, text)
    except SettingsError as error:
        return f"{error} {len(alerts)} alerts wait."
    if not arrived:
        return f"not every channel took the message: {len(alerts)} alerts wait, and are sent again"
    outbox.sent(now)
    return f"sent: {title}"
