"""The page in a real browser (tests/browser), over a collector that holds weeks of real traffic."""
import json
import os
import shutil
import subprocess
import sys

from stage import testing
from stage.performance import SOURCE

BROWSER = SOURCE / "tests/browser"


def main():
    testing.skip_without_world()
    if not shutil.which("node"):
        testing.skip("node is not installed")
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser")):
        testing.skip("chromium is not installed")
    if not (BROWSER / "node_modules").is_dir():
        testing.skip("the browser tests' packages are not installed; scripts/test does it")
    if not (SOURCE / "collector/web/dist/index.html").is_file():
        testing.skip("the page is not built; scripts/build-page does it")
    with testing.scratch() as folder, testing.performance(folder) as play:
        play.raise_curtain()
        play.play_earlier_days()
        play.play_release_and_late_report()
        play.wait_for_totals()
        house = folder / "house.json"
        house.write_text(json.dumps(play.house()))
        done = subprocess.run(["node", "--test", "--test-reporter=spec", "."], cwd=BROWSER, env={**os.environ, "DAYLIGHT_HOUSE": str(house)},
                              stdin=subprocess.DEVNULL, timeout=240)
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
