"""Who may call what: one table, and an endpoint that is not in it is refused. A page's author adds its endpoints here.

A level may do what those before it may. ``public`` needs nothing. ``board`` needs the wallboard's key, by its link or as a bearer
token. ``visitor`` needs the key of the link that the demo prints. The others are the roles of users.
"""

from __future__ import annotations

from ivrengine.storage.users import ROLES

LEVELS = ("public", "board", "visitor", *ROLES)

RIGHTS = {
    "static": "public",
    # log-in and one's own account
    "log_in.form": "public",
    "log_in.log_out": "agent",
    "account.password": "agent",
    "account.preferences": "public",
    "home": "board",
    # calls
    "calls.index": "visitor",
    "calls.live": "visitor",
    "calls.one": "visitor",
    # trying out
    "try_out.index": "admin",
    "try_out.call": "admin",
    "try_out.events": "admin",
    "try_out.flow": "admin",
    "try_out.sound": "admin",
    "try_out.press": "admin",
    "try_out.speak": "admin",
    "try_out.hang_up": "admin",
    "try_out.phone": "admin",
    "try_out.take": "admin",
    "try_out.phone_events": "admin",
    "try_out.phone_sound": "admin",
    "try_out.phone_speak": "admin",
    "try_out.phone_verb": "admin",
    "try_out.made_sound": "admin",
    # flows
    "flows.index": "supervisor",
    "flows.one": "supervisor",
    "flows.state": "supervisor",
    "flows.counts": "supervisor",
    "flows.check": "supervisor",
    "flows.words": "supervisor",
    "flows.history": "supervisor",
    "flows.compare": "supervisor",
    "flows.save": "admin",
    "flows.create": "admin",
    "flows.remove": "admin",
    "flows.publish": "admin",
    "flows.roll_back": "admin",
    # the agent's console: everybody only their own
    "console.index": "agent",
    "console.live": "agent",
    "console.day": "agent",
    "console.directory": "agent",
    "console.do": "agent",
    "console.notes": "agent",
    "console.customer": "agent",
    "console.choose": "agent",
    "console.call_back": "agent",
    "console.message": "agent",
    "console.heard": "agent",
    # prompts
    "prompts.index": "admin",
    "prompts.new": "admin",
    "prompts.one": "admin",
    "prompts.sound": "admin",
    "prompts.upload": "admin",
    "prompts.say": "admin",
    "prompts.say_missing": "admin",
    "prompts.change": "admin",
    "prompts.undo": "admin",
    "prompts.remove": "admin",
    "prompts_record.begin": "admin",
    "prompts_record.live": "admin",
    "prompts_record.press": "admin",
    "prompts_record.sound": "admin",
    # the wallboard
    "board.index": "board",
    "board.live": "board",
    "board.settings": "supervisor",
    "board.renew_link": "admin",
    # supervising
    "supervisor.index": "supervisor",
    "supervisor.live": "supervisor",
    "supervisor.phone": "supervisor",
    "supervisor.do": "supervisor",
    "alarms.index": "supervisor",
    "alarms.live": "supervisor",
    "alarms.one": "supervisor",
    "alarms.acknowledge": "supervisor",
    "recordings.index": "supervisor",
    "recordings.one": "supervisor",
    "recordings.peaks": "supervisor",
    "recordings.sound": "supervisor",
    "recordings.download": "supervisor",
    "recordings.mark": "supervisor",
    # reports
    "reports.index": "supervisor",
    "reports.one": "supervisor",
    "reports.file": "supervisor",
    "reports.records": "supervisor",
    "reports.records_file": "supervisor",
    "reports.call": "supervisor",
    # the site
    "site.index": "supervisor",
    "site.records": "admin",
    "site.new": "admin",
    "site.add": "admin",
    "site.one": "admin",
    "site.change": "admin",
    "site.remove": "admin",
    "site.move_up": "admin",
    "site.pin": "admin",
    "site.unlock": "admin",
    "site_calendars.index": "supervisor",
    "site_calendars.override": "supervisor",
    "site_calendars.clear": "supervisor",
    "site_blacklist.index": "admin",
    "site_blacklist.add": "admin",
    "site_blacklist.remove": "admin",
    "site_blacklist.preview": "admin",
    "site_blacklist.import_list": "admin",
    "site_voicemail.index": "supervisor",
    "site_voicemail.sound": "supervisor",
    "site_voicemail.heard": "supervisor",
    "site_voicemail.call_back": "supervisor",
    "site_voicemail.delete": "supervisor",
    "site_announcements.index": "supervisor",
    "site_announcements.add": "supervisor",
    "site_announcements.one": "supervisor",
    "site_announcements.change": "supervisor",
    "site_announcements.end": "supervisor",
    "site_announcements.read": "agent",
    "site_numbers.index": "supervisor",
    "site_numbers.change": "admin",
    # for machines
    "health.health": "public",
    "health.ready": "public",
    "health.metrics": "board",
    # users and what they did
    "users.index": "admin",
    "users.add": "admin",
    "users.one": "admin",
    "users.change": "admin",
    "users.password": "admin",
    "users.unlock": "admin",
    "users.remove": "admin",
    "audit.index": "admin",
    "audit.log_ins": "admin",
}


def allowed(endpoint: str | None, level: str) -> bool:
    """Whether ``level`` may call ``endpoint``. No endpoint is an address that leads nowhere: told to who may see anything at all."""
    least = "board" if endpoint is None else RIGHTS.get(endpoint)
    return least is not None and LEVELS.index(level) >= LEVELS.index(least)
