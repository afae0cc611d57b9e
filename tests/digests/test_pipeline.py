"""What goes on at once while mails are sent, with mails that only say what they do."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from digests.services.pipeline import MailSteps, Pipeline, Step
from tests.support.mail import RecordingTransport

WHOLE = (Step.BUILT, Step.BODY_SENT, Step.SENDING, Step.DATA_ENDED)


class Log(list[str]):
    """What was done, in its order."""

    def mail(self, name: str, steps: Sequence[Step] = WHOLE) -> MailSteps:
        try:
            for step in steps:
                self.append(f"{name} {step.name}")
                yield step
            self.append(f"{name} over")
        except GeneratorExit:
            self.append(f"{name} closed")
            raise

    def pipeline(self, transport: RecordingTransport | None = None) -> Pipeline:
        found = Pipeline(transport, write_sent=lambda: self.append("sent written"))
        if transport is None:
            found._connections.extend([RecordingTransport(), RecordingTransport()])
        return found


def test_the_next_body_is_sent_before_the_reply_to_the_last_is_read() -> None:
    log = Log()
    log.pipeline().run(log.mail(name) for name in "ab")
    assert log == [
        *("a BUILT", "a BODY_SENT", "a SENDING"),
        *("b BUILT", "a DATA_ENDED", "b BODY_SENT", "a over", "b SENDING"),
        *("b DATA_ENDED", "b over", "sent written"),
    ]


def test_over_one_connection_a_mail_is_over_before_the_next_body() -> None:
    log = Log()
    log.pipeline(RecordingTransport()).run(log.mail(name) for name in "ab")
    assert log.index("sent written", 5) < log.index("b BODY_SENT")
    assert log.index("a over") < log.index("b BODY_SENT")


def test_what_is_written_for_a_refused_mail_waits_until_the_one_before_is_written() -> None:
    log = Log()
    log.pipeline().run([log.mail("a"), log.mail("b", (Step.BUILT, Step.ALONE)), log.mail("c")])
    assert log.index("a over") < log.index("sent written") < log.index("b over") < log.index("c BUILT")


def test_never_are_two_mails_between_end_of_data_and_reply() -> None:
    log = Log()
    ways = [WHOLE, (Step.ALONE,), WHOLE, WHOLE[:3], WHOLE, (Step.BUILT, Step.ALONE, *WHOLE[1:]), WHOLE]
    log.pipeline().run(log.mail(str(number), steps) for number, steps in enumerate(ways))
    waiting: set[str] = set()
    for line in log:
        name, _, what = line.partition(" ")
        if what == "DATA_ENDED":
            waiting.add(name)
        elif what == "over":
            waiting.discard(name)
        assert len(waiting) <= 1
    assert sum(line.endswith("over") for line in log) == len(ways)


def test_what_is_on_its_way_is_closed_when_the_next_fails() -> None:
    log = Log()

    def broken() -> MailSteps:
        yield Step.BUILT
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="a fault of ours"):
        log.pipeline().run([log.mail("a"), broken()])
    assert log[-2:] == ["a DATA_ENDED", "a closed"]
