# SPDX-License-Identifier: MIT
"""Debian's Chromium without a screen, and what a person would look at in it."""

import os
import pathlib

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from engine import TIMEOUT, TOP

BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
# Where the pictures stay for people to look at.
PICTURES = pathlib.Path(os.environ.get("BROWSER_PICTURES", TOP / "build-logs/browser"))
# A cage of its own needs a user other than root and a kernel that lets it; what is looked at here
# is our own page and the emulator's.
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
           "--no-first-run", "--window-size=900,700"]

# WCAG 2.2, 1.4.3: relative luminance and contrast of each text on the page.
CONTRAST = """
const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
const behind = e => {
    for (; e; e = e.parentElement) {
        const c = numbers(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] === 1) return c;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
};
let worst = 21;
for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = luminance(numbers(getComputedStyle(e).color)), b = luminance(behind(e));
    worst = Math.min(worst, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
}
return worst;
"""


class Chromium:
    def __enter__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = BROWSER
        for option in OPTIONS:
            options.add_argument(option)
        self.driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        self.driver.set_page_load_timeout(TIMEOUT)
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def open(self, url):
        self.driver.get(url)

    def press(self, text):
        """The button that says so; returns when the page that it leads to is there."""
        here = self.driver.find_element(By.TAG_NAME, "html")
        self.driver.find_element(By.XPATH, f"//button[contains(., '{text}')]").click()
        WebDriverWait(self.driver, TIMEOUT).until(lambda _: self._is_gone(here))

    @staticmethod
    def _is_gone(element):
        try:
            element.is_enabled()
        except Exception:  # pylint: disable=broad-except # which of them depends on the version
            return True
        return False

    @property
    def url(self):
        return self.driver.current_url

    @property
    def title(self):
        return self.driver.title

    def heading(self):
        return self.driver.find_element(By.TAG_NAME, "h1").text

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def run(self, script):
        return self.driver.execute_script(script)

    def colours(self, scheme):
        """As if the person preferred "light" or "dark"."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def width(self, pixels):
        metrics = {"width": pixels, "height": 700, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def contrast(self):
        """The worst that any text of the page has with what is behind it."""
        return self.run(CONTRAST)

    def picture(self, name):
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(PICTURES / f"{name}.png"))
