"""What an agent sees of a call: who calls, the way through the menus, the wait, who had the caller before and wrote what, the last calls.

Made from the rows of the database alone, so it is the same for whoever gets the caller next, and after a restart. Knows no language:
codes and names, which the page puts into words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ivrengine.domain.commands import LogStep
from ivrengine.site.records import Disposition, Site
from ivrengine.storage.calls import Call
from ivrengine.storage.customers import Customer, clean
from ivrengine.storage.errors import AmbiguousRecord, NoSuchRecord
from ivrengine.storage.segments import Segment
from ivrengine.storage.store import Store

TRAIL_LIMIT = 40  # steps with something to tell, the last ones
LAST_CALLS = 5
OTHER_SEGMENTS_LIMIT = 20


def card_of(store: Store, site: Site, item_id: str, agent_id: str) -> dict[str, Any] | None:
    """The card of one waiting or talk; None where there is no such one. ``agent_id``: whose screen it is for."""
    # Rows that were submitted before the phone rang, and are not committed yet, belong to it: the writer keeps the order.
    store.database.submit(lambda db: None, "a look at a call").wait()
    segment = store.segments.get(item_id)
    if segment is None:
        return None
    call = _call(store, segment.call_id)
    customers = store.customers.of_number(segment.number)
    chosen = store.customers.chosen(segment.contact_id)
    if chosen is not None and chosen.customer_id not in {each.customer_id for each in customers}:
        customers.append(chosen)
    if chosen is None and len(customers) == 1:
        chosen = customers[0]
    queue = site.queue(segment.queue)
    return {
        "item": segment.item_id,
        "contact": segment.contact_id,
        "number": segment.number,
        "name": call.name if call else _contact_name(store, segment),
        "direction": segment.direction,
        "queue_name": segment.queue,
        "dialled": call.dialled if call else "",
        "queue": title_of(site, segment.queue),
        "queued_at": segment.queued_at,
        "wait_seconds": segment.wait_seconds,
        "callback": segment.virtual,
        "trail": _trail(store.steps.of_call(segment.call_id)) if segment.call_id else [],
        "before": [_told(site, each) for each in _others(store, segment)],
        "mine": segment.agent_id == agent_id,
        "agent": name_of(site, segment.agent_id),
        "notes": segment.notes,
        "disposition": segment.disposition,
        "automatic": segment.automatic,
        "required": bool(queue and queue.disposition_required),
        "notes_required": bool(queue and queue.notes_required),
        "dispositions": [{"code": each.code, "title": each.title or each.code} for each in _dispositions(site, segment)],
        "customers": [_customer(each) for each in customers],
        "customer": chosen.customer_id if chosen else "",
        "last": [_told(site, each) for each in _last(store, segment, chosen)],
    }


def _dispositions(site: Site, segment: Segment) -> tuple[Disposition, ...]:
    """None for a call to a colleague."""
    return () if segment.direction == "internal" else site.dispositions_of(segment.queue)


def _contact_name(store: Store, segment: Segment) -> str:
    """The colleague's, where an agent calls one."""
    try:
        return store.contacts.get(segment.contact_id).name if segment.direction else ""
    except (NoSuchRecord, AmbiguousRecord):
        return ""


def title_of(site: Site, queue: str) -> str:
    rules = site.queue(queue)
    return rules.title or rules.name if rules else queue


def name_of(site: Site, agent_id: str) -> str:
    agent = site.agent(agent_id)
    return f"{agent.rules.name} ({agent_id})" if agent and agent.rules.name else agent_id


def disposition_of(site: Site, segment: Segment) -> str:
    return next((each.title or each.code for each in site.dispositions if each.code == segment.disposition), segment.disposition)


def _told(site: Site, segment: Segment) -> dict[str, Any]:
    return {
        "at": segment.queued_at,
        "queue": title_of(site, segment.queue),
        "agent": name_of(site, segment.agent_id),
        "disposition": disposition_of(site, segment),
        "terminal": segment.terminal,
        "notes": segment.notes,
        "direction": segment.direction,
    }


def _customer(customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.customer_id, "name": customer.name, "level": customer.level, "notes": customer.notes,
        "numbers": list(customer.numbers),
    }  # fmt: skip


def _call(store: Store, call_id: str) -> Call | None:
    try:
        return store.calls.get(call_id) if call_id else None
    except (NoSuchRecord, AmbiguousRecord):
        return None


def _trail(steps: Iterable[LogStep]) -> list[dict[str, Any]]:
    """The choices made and what was keyed; a secret step's digits are in no row."""
    told = [
        {"at": each.left_at, "flow": each.flow, "step": each.step, "verb": each.verb, "label": each.label, "key": each.key}
        for each in steps
        if each.label or each.key
    ]
    return told[-TRAIL_LIMIT:]


def _others(store: Store, segment: Segment) -> list[Segment]:
    """Where the caller was before, of the same contact."""
    found = store.segments.of_contact(segment.contact_id)
    index = next((place for place, each in enumerate(found) if each.item_id == segment.item_id), len(found))
    return found[:index][-OTHER_SEGMENTS_LIMIT:]


def _last(store: Store, segment: Segment, customer: Customer | None) -> list[Segment]:
    """The last calls of this customer, or of this number where nobody knows whose it is."""
    numbers = {segment.number, *((clean(segment.number), *customer.numbers) if customer else ())} - {""}
    here = len(store.segments.of_contact(segment.contact_id))
    found = {each.item_id: each for number in numbers for each in store.segments.recent(number, LAST_CALLS + here)}
    past = [each for each in found.values() if each.contact_id != segment.contact_id and each.terminal]
    return sorted(past, key=lambda each: each.queued_at, reverse=True)[:LAST_CALLS]
