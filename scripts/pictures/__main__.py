"""Starts the demo on a copy of the site with a week of records and callers who keep coming, and paints its pages.

Takes some minutes for all; names of pages (``board``, ``flow``...) after the directory paint these alone.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from conftest import CHROMIUM, ROOT, Browsers, House, add_users, copy_site
from playwright.sync_api import Error, sync_playwright

from ivrengine.storage.store import Store
from tests.acceptance.switch import EslClient

from .history import LINES, NAMES, leave_messages, number_of, numbers, write
from .pages import PICTURES, SETTLE_MS, Picture

WINDOWS = {"1440": (1440, 900), "390": (390, 844), "1920": (1920, 1080)}
LOOKS = [(language, theme) for language in ("en", "zh-CN") for theme in ("light", "dark")]
# Where it is the busy part of a working day now, so that greetings, board and reports show one. The first that fits.
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/Mexico_City", "Pacific/Auckland", "America/New_York", "Asia/Karachi")
BUSY_HOURS = range(14, 19)
WAITING = {"circulation": 4, "delivery": 2, "property": 1}
SPEECH = ROOT / "prompts" / "zh-CN" / "message" / "ask.wav"  # what callers say, so that recordings have two sides
TOP_UP_SECONDS = 1.5
WARM_UP_SECONDS = 45.0  # until agents talk, wrap up, and somebody has a break


def zone_of_day(now: float) -> ZoneInfo:
    zones = [ZoneInfo(name) for name in ZONES]
    return next((zone for zone in zones if datetime.fromtimestamp(now, zone).hour in BUSY_HOURS), zones[0])


def make_site(directory: Path, zone: ZoneInfo) -> Path:
    site = copy_site(directory / "site")
    (site / "ivrengine.toml").write_text(f"[engine]\ntimezone = '{zone.key}'\n", "utf-8")
    calendars = site / "flows" / "calendars.yml"
    calendars.write_text(calendars.read_text("utf-8").replace("Asia/Shanghai", zone.key), "utf-8")
    command = [sys.executable, "-m", "ivrengine", "--site", str(site), "site", "import", "--yes"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    now = time.time()
    (site / "data" / "voicemail").mkdir(parents=True, exist_ok=True)
    with Store(site / "data" / "ivrengine.db") as store:
        write(store, zone, now)
        sound = SPEECH.read_bytes()
        leave_messages(store, str(site / "data" / "voicemail"), now, sound)
    return site


class Callers(threading.Thread):
    """They come by the lines' shares, until so many wait in a queue as ``WAITING`` says."""

    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self._house = house
        self.over = threading.Event()

    def run(self) -> None:
        address = json.loads((self._house.site / "data" / "demo.json").read_text("utf-8"))
        switch, dice = EslClient(address["port"], address["password"]), random.Random(7)
        who = numbers(dice)
        with self._house.store() as store:
            while not self.over.wait(TOP_UP_SECONDS):
                waiting = [row.queue for row in store.segments.waiting()]
                queue = dice.choices(list(LINES), [line[2] for line in LINES.values()])[0]
                if waiting.count(queue) < WAITING[queue]:
                    self._call(switch, queue, next(who), dice)

    @staticmethod
    def _call(switch: EslClient, queue: str, number: str, dice: random.Random) -> None:
        script: list[dict[str, Any]] = [
            {"wait": 1.5}, {"press": "1"}, {"wait": dice.uniform(0.7, 2.0)}, {"press": "0"}, {"until_talking": True},
            {"wait": 4}, {"speak": str(SPEECH)}, {"press_after_prompt": dice.choice("1112")}, {"wait": 3}, {"hangup": True},
        ]  # fmt: skip
        known = dice.random() < 0.5
        count = dice.randrange(len(NAMES))
        order = {
            "number": LINES[queue][1], "from": number_of(count) if known else number,
            "name": NAMES[count] if known else "", "script": script,
        }  # fmt: skip
        switch.api(f"sim call {json.dumps(order)}")


def paint(browsers: Browsers, directory: Path, pictures: list[Picture], window: str, language: str, theme: str) -> None:
    """One look at all pages, a browser for each role."""
    pages: dict[str, Any] = {}
    width, height = WINDOWS[window]
    for picture in pictures:
        if window == "1920" and not picture.wall:
            continue
        name = f"{picture.name}-{window}-{language}-{theme}"
        page = pages.get(picture.role)
        if page is None:
            page = pages[picture.role] = browsers.open(picture.role, width=width, height=height, theme=theme, language=language)
            page.on("dialog", lambda dialog: dialog.accept())
        try:
            page.goto(picture.address)
            page.wait_for_selector(picture.ready)
            if picture.first:
                picture.first(page)
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=directory / f"{name}.png", full_page=picture.full)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                print(f"{name}: wider than its window", flush=True)
        except Error as error:
            print(f"{name}: {str(error).splitlines()[0]}", flush=True)
    browsers.close()


def main(arguments: list[str]) -> int:
    if not arguments:
        print("usage: ./scripts/screenshots DIRECTORY [PAGE...]", file=sys.stderr)
        return 2
    directory, wanted = Path(arguments[0]), set(arguments[1:])
    unknown = wanted - {picture.name for picture in PICTURES}
    if unknown:
        print(f"no such page: {', '.join(sorted(unknown))}; there are {', '.join(picture.name for picture in PICTURES)}", file=sys.stderr)
        return 2
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ivrengine-pictures-") as work:
        house = House(make_site(Path(work), zone_of_day(time.time())), ("--keys", "w1s hangup"))
        callers = Callers(house)
        try:
            house.start()
            add_users(house)
            callers.start()
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                browsers = Browsers(chromium, house)
                callers.over.wait(WARM_UP_SECONDS)
                pictures = [picture for picture in PICTURES if not wanted or picture.name in wanted]
                for window in WINDOWS:
                    for language, theme in LOOKS:
                        paint(browsers, directory, pictures, window, language, theme)
                chromium.close()
            for complaint in browsers.complaints:
                print(complaint)
        finally:
            callers.over.set()
            house.stop()
    return 0


sys.exit(main(sys.argv[1:]))
