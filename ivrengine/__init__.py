"""ivrengine: a self-contained call-centre engine for FreeSWITCH."""

__version__ = "0.1.0"
