"""The site set again under live calls, and the floor filled after a restart."""

from __future__ import annotations

from callcentre import CallCentre, agent, codes, ends, offers, queue

from ivrengine.acd import decisions as de
from ivrengine.acd import happenings as ha
from ivrengine.acd.rules import BreakReason
from ivrengine.domain.needs import Ring

ENGLISH = (Ring(0.0, (("english", 5),)),)


# -- the site ----------------------------------------------------------------------------------------------------------


def test_a_new_skill_brings_a_waiting_call():
    centre = CallCentre(queue(when_empty="wait"), agent("1"))
    centre.call("a", rings=ENGLISH)
    assert offers(centre.site(centre.queues, [agent("1", skills={"english": 5})])) == [("a", "1")]


def test_a_skill_that_is_taken_away_is_not_asked_any_more():
    centre = CallCentre(agent("1", skills={"english": 5}))
    centre.site(centre.queues, [agent("1")])
    assert offers(centre.call("a", rings=ENGLISH)) == []


def test_with_new_agents_the_oldest_calls_of_all_queues_go_first():
    centre = CallCentre(queue("x"), queue("y"), agent("1", "x", "y", skills={"english": 5}), agent("2", "x", "y"))
    centre.call("x-young", "x", waited=1, rings=ENGLISH, excluded=("1",))
    centre.call("y-old", "y", waited=9, rings=ENGLISH, excluded=("1",))
    assert offers(centre.site(centre.queues, [centre.agents[0], agent("2", "x", "y", skills={"english": 9})])) == [("y-old", "2")]


def test_an_agent_who_is_gone_finishes_the_call_and_is_logged_out():
    centre = CallCentre(agent("1"), agent("2"))
    centre.call("a")
    centre.go("a/1", "TALKING")
    centre.site(centre.queues, [agent("2")])
    assert (centre.work("1"), centre.intent("1")) == ("TALKING", "READY")
    assert codes(centre.ready("1")) == ["logged_out"]
    centre.tell(ha.TalkEnded("a/1"))
    centre.tell(ha.WrapUpDone("1"))
    assert centre.dispatcher.agent("1") is None
    assert codes(centre.log_in("1")) == ["unknown_agent"]


def test_an_idle_agent_who_is_gone_is_gone_at_once_and_may_come_back():
    centre = CallCentre(agent("1"), agent("2"))
    assert de.AgentChanged("1", "LOGGED_OUT", "IDLE", "", centre.now, 3) in centre.site(centre.queues, [agent("2")])
    assert centre.dispatcher.agent("1") is None
    centre.site(centre.queues, [agent("1"), agent("2")])
    assert centre.intent("1") == "LOGGED_OUT"


def test_what_excludes_an_agent_does_so_after_they_were_gone():
    centre = CallCentre(agent("1"))
    centre.call("a", excluded=("1", "2"))
    centre.site(centre.queues, [agent("1"), agent("2")])
    centre.log_in("2")
    assert offers(centre.ready("2")) == []


def test_a_queue_that_is_gone_serves_who_waits_and_takes_nobody_new():
    centre = CallCentre(queue("x"), queue("y"), agent("1", "x", "y"))
    centre.away("1")
    centre.call("a", "x")
    centre.site([queue("y")], centre.agents)
    assert ends(centre.call("b", "x")) == [("b", "failed")]
    assert codes(centre.tell(ha.Moved("a", "nowhere"))) == ["unknown_queue"]
    assert offers(centre.ready("1")) == [("a", "1")]
    centre.serve("1")
    centre.site([queue("y")], centre.agents)
    assert centre.dispatcher.queues() == ["y"]


def test_new_rules_count_for_who_waits_already():
    centre = CallCentre(agent("1"))
    centre.away("1")
    centre.call("a")
    centre.wait(50)
    centre.site([queue(max_wait_seconds=60.0)], centre.agents)
    assert ends(centre.wait(10)) == [("a", "timeout")]


def test_the_last_member_taken_from_a_queue_is_as_nobody_logged_in():
    centre = CallCentre(queue("x", no_agent_seconds=30.0), queue("y"), agent("1", "x"))
    centre.away("1")
    centre.call("a", "x")
    centre.site(centre.queues, [agent("1", "y")])
    assert ends(centre.wait(30)) == [("a", "no_agent")]


def test_the_same_site_again_changes_nothing():
    centre = CallCentre(agent("1"), agent("2"), agent("3", "q", "z"), queue(), queue("z"))
    centre.call("a")
    centre.call("b", waited=50, sticky_agent="1", sticky_seconds=60)
    centre.tell(ha.Assigned("b", "1"))
    before = centre.dispatcher.snapshot()
    assert centre.site(centre.queues, centre.agents) == []
    assert centre.dispatcher.snapshot() == before


# -- after a restart ---------------------------------------------------------------------------------------------------


def test_nothing_is_offered_before_everything_is_told():
    centre = CallCentre(agent("1"), agent("2"), ready=False, opened=False)
    centre.tell(ha.AgentFound("1", "81", "READY", "", 900.0, 950.0, calls=4, talk_seconds=77.0))
    centre.tell(ha.AgentFound("2", "82", "READY", "", 900.0, 940.0))
    centre.call("young", waited=5)
    centre.call("old", waited=50)
    assert [each for each in centre.told if isinstance(each, de.Offer)] == []
    assert offers(centre.tell(ha.Opened())) == [("old", "2"), ("young", "1")]
    view = centre.dispatcher.agent("1")
    assert (view.since, view.calls, view.talk_seconds, view.idle_since) == (centre.now, 4, 77.0, 950.0)
    assert centre.tell(ha.Opened()) == []


def test_a_talk_that_is_found_goes_on():
    centre = CallCentre(agent("1"), ready=False, opened=False)
    centre.tell(ha.TalkFound("old/2", "old", "1", "q", 700.0))
    centre.tell(ha.AgentFound("1", "81", "READY", "", 700.0, 600.0, talk_seconds=10.0))
    centre.tell(ha.Opened())
    assert (centre.work("1"), centre.state("old"), centre.line()) == ("TALKING", "TALKING", [])
    assert centre.tell(ha.TalkFound("old/2", "old", "1", "q", 700.0)) == []
    decisions = centre.tell(ha.TalkEnded("old/2"))
    assert ends(decisions) == []  # it was counted when it was connected
    assert centre.work("1") == "WRAP_UP"
    assert centre.dispatcher.agent("1").talk_seconds == 310.0


def test_a_wrap_up_that_is_found_ends_at_its_time():
    centre = CallCentre(queue(disposition_required=True), agent("1"), ready=False)
    centre.tell(ha.AgentFound("1", "81", "READY", "", 900.0, 900.0, wrap_up_until=1010.0, wrap_up_queue="q"))
    assert de.WrapUpEnded("1", "", "", True) in centre.wait(10)
    centre = CallCentre(agent("1"), ready=False)
    centre.tell(ha.AgentFound("1", "81", "READY", "", 900.0, 900.0, wrap_up_until=999.0, wrap_up_queue="q"))
    assert centre.work("1") == "IDLE"


def test_a_break_that_is_found_keeps_its_limit():
    centre = CallCentre(agent("1"), BreakReason("lunch", longest_seconds=300.0), ready=False)
    centre.tell(ha.AgentFound("1", "81", "NOT_READY", "lunch", 800.0, 700.0))
    assert codes(centre.wait(99)) == []
    assert codes(centre.wait(1)) == ["break_too_long"]


def test_who_is_logged_in_already_is_not_found():
    centre = CallCentre(agent("1"))
    assert centre.tell(ha.AgentFound("1", "99", "READY", "", 0.0, 0.0)) == []
    assert centre.tell(ha.AgentFound("99", "99", "READY", "", 0.0, 0.0)) == []
    assert centre.dispatcher.agent("1").phone == "81"


def test_who_refused_before_the_restart_is_not_asked_again_before_the_time():
    centre = CallCentre(agent("1"), opened=False, ready=False)
    centre.tell(ha.AgentFound("1", "81", "READY", "", 900.0, 900.0, cool_until=1005.0))
    centre.call("a", excluded_until=(("1", 1020.0),))
    centre.call("b", excluded_until=(("1", 999.0),))
    assert offers(centre.tell(ha.Opened())) == []
    assert offers(centre.wait(4.9)) == []
    assert offers(centre.wait(0.2)) == [("b", "1")]
    centre.serve("1", talk=5.0)
    assert offers(centre.wait(9.8)) == []
    assert offers(centre.wait(0.2)) == [("a", "1")]


def test_who_may_never_be_asked_is_not_asked_after_a_shorter_exclusion_either():
    centre = CallCentre(agent("1"))
    centre.call("a", excluded=("1",), excluded_until=(("1", 1010.0),))
    assert offers(centre.wait(60.0)) == []


def test_calls_missed_before_the_restart_count_on():
    centre = CallCentre(agent("1", no_answer_limit=2), opened=False, ready=False)
    centre.tell(ha.AgentFound("1", "81", "READY", "", 900.0, 900.0, missed=1))
    centre.tell(ha.Opened())
    centre.call("a")
    assert codes(centre.fail("a/1", "no_answer")) == ["missed_calls"]
    assert centre.intent("1") == "NOT_READY"
