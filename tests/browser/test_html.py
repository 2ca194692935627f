"""What is seen without a kernel: the HTML that ``make run`` writes. For saved notebooks in JupyterLab see `test_lab`."""

import pytest

from lossconditioning.notebooks import notebook_paths, picture_kind, read, to_html


@pytest.mark.parametrize("path", notebook_paths(), ids=lambda path: path.stem)
def test_html_shows_every_picture_with_alt_text(path, page, browser, record_property, tmp_path, screenshots):
    record_property(
        "front_end", [f"saved HTML page, Chromium {browser.version}", "pictures, alt texts, no widget left"]
    )
    file = tmp_path / path.with_suffix(".html").name
    file.write_text(to_html(read(path)), "utf-8")
    page.route("http*://**", lambda route: route.abort())  # what a reader without a network sees
    page.goto(file.as_uri())
    pictures = page.locator(".jp-OutputArea-output img")
    found = pictures.evaluate_all("all => all.map(picture => [picture.naturalWidth, picture.alt.trim()])")
    assert len(found) == sum(bool(picture_kind(o)) for c in read(path).cells for o in c.get("outputs", []))
    assert all(width > 0 for width, _ in found)
    assert all(alt for _, alt in found)
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.locator("script[type*='widget']").count() == 0
    page.screenshot(path=screenshots / f"html_{path.stem}.png", full_page=True)
