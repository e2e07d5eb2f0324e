"""A real switch, real SIP callers and phones, a real engine process: everything on loopback, nothing needs root.

``bench.py`` says what a scenario may ask for; ``freeswitch_bench.py`` and ``sim_bench.py`` do it with FreeSWITCH and with the
embedded switch. The parts are usable alone: ``sipp.py``, ``rtp.py``, ``baresip.py``, ``switch.py``, ``engine.py``, ``audio.py``.
"""
