"""Times and sizes that are the dispatcher's own, not the site's to set."""

from __future__ import annotations

RESERVE_SECONDS = 3.0  # from Offer to the first sign of the agent's phone
RING_GRACE_SECONDS = 2.0  # beyond the queue's ring_seconds: the edge tells first
CONNECT_SECONDS = 60.0  # beyond accept_seconds: whisper, and what the caller hears first
BRIDGE_SECONDS = 2.0  # from OfferBridging to OfferBridged
LAST_RESORT_SECONDS = 30.0  # from CancelOffer to OfferFailed; then the attempt is declared dead
FAILED_SECONDS = 10.0  # cool-down after an offer that failed for no reason of the agent's: nothing may loop
ASSIGNED_SECONDS = 30.0  # an item that was picked up waits so long for its agent to be idle
SHORT_BREAK_SECONDS = 120.0  # a break, a missed call or a call of one's own, up to this long, does not cost the place in line
LONGEST_WRAP_UP_SECONDS = 3600.0  # however often it is extended
ENDED_REMEMBERED = 20_000  # ids of items, so that a repeated Queued is known as such
