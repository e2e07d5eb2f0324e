"""FreeSWITCH's dialect: the only package that knows the event socket, and the only importer of greenswitch.

``switch`` is what the runtime talks to; behind it ``link`` keeps two ``connection``s up, ``wire`` cuts bytes into frames and lazy events,
``calls`` knows which events mean something, ``translate`` turns headers into domain events, ``commands`` puts commands together,
``resync`` reads what the switch holds after a reconnect.

The engine connects to the switch (inbound mode). For a switch that can't be dialled, one outbound socket per call would stand beside
``link`` as ``outbound.py``: a gevent StreamServer whose sessions feed the same ``calls`` and take the same ``commands``.
"""
