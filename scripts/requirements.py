"""Prints what setup.cfg requires, the test extra included: one place tells it, pip reads it from here."""

import configparser
from pathlib import Path

config = configparser.ConfigParser()
config.read(Path(__file__).parent.parent / "setup.cfg")
for text in (config["options"]["install_requires"], config["options.extras_require"]["test"]):
    print(text.strip())
