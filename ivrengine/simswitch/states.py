"""The states of a channel, as FreeSWITCH names and numbers them."""

from __future__ import annotations

import enum


class State(enum.Enum):
    """As switch_channel_state_t: the numbers are those of Channel-State-Number, and their order counts."""

    CS_NEW = 0
    CS_INIT = 1
    CS_ROUTING = 2
    CS_SOFT_EXECUTE = 3
    CS_EXECUTE = 4
    CS_EXCHANGE_MEDIA = 5
    CS_PARK = 6
    CS_CONSUME_MEDIA = 7
    CS_HIBERNATE = 8
    CS_RESET = 9
    CS_HANGUP = 10
    CS_REPORTING = 11
    CS_DESTROY = 12
