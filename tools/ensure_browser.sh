#!/usr/bin/env bash
# Sees to a Chromium for the browser tests. Without one they skip by name, so that this never fails.
set -u
python=.venv/bin/python
log=$(mktemp)
trap 'rm -f "$log"' EXIT

found() { # the same places, in the same order, as the tests look
  "$python" - <<'PYTHON'
import sys

try:
    from playwright.sync_api import sync_playwright

    from tests.browser.server import chromium_path

    with sync_playwright() as playwright:
        path = chromium_path(playwright)
except Exception:
    path = None
sys.exit(not path)
PYTHON
}

found && exit 0
echo "No Chromium here: fetching one for the browser tests ..."
timeout 180 "$python" -m playwright install chromium >"$log" 2>&1 && found && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  timeout 60 apt-get -qq update >"$log" 2>&1
  for package in chromium-headless-shell chromium; do
    timeout 240 apt-get -qq install -y --no-install-recommends "$package" >"$log" 2>&1
    found && exit 0
  done
fi
echo "None could be had, so the browser tests will be skipped. MNIST_LAB_CHROMIUM=/path/to/chromium names one." >&2
exit 0
