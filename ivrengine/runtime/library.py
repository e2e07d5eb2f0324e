"""The flows that callers walk: loaded from the site's files, checked, kept by version so that a call ends on the one it began.

A load with errors changes nothing: the last good set stays, and every finding is told. What has been in force lies in the
database, so a restart with half-edited files goes on with the last good set, and with the versions that saved calls are on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ivrengine.errors import IvrEngineError
from ivrengine.flow.compile import compile_flow, load_flows
from ivrengine.flow.check import check_flows
from ivrengine.flow.finding import Finding
from ivrengine.flow.flowset import Flow, FlowSet
from ivrengine.flow.world import World
from ivrengine.prompts.catalogue import Catalogue
from ivrengine.prompts.voice import Voice
from ivrengine.storage.database import Database
from ivrengine.storage.errors import NoSuchRecord
from ivrengine.storage.flow_versions import FlowVersions

from .site_files import read_site

log = logging.getLogger(__name__)
