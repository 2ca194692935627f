"""A picture of the reader's own: chosen in the browser's dialogue, refused in words, or shown."""

from importlib.metadata import version

import pytest
from lab import panel_cells
from PIL import Image

from lossconditioning.notebooks import notebook_paths, read

(PATH,) = notebook_paths(["02"])
MINE = "orange.png\xa0(yours)"  # ipywidgets keeps the spaces of a choice
(CELL,) = [cell for cell in panel_cells(PATH) if "play_photograph" in read(PATH).cells[cell].source]


@pytest.mark.parametrize("executed", [PATH], ids=lambda path: path.stem, indirect=True, scope="session")
def test_a_picture_is_uploaded_refused_and_chosen_again(executed, tmp_path, browser, record_property):
    front_end = f"JupyterLab {version('jupyterlab')}, Chromium {browser.version}"
    record_property("front_end", [front_end, "a picture of one's own: uploaded, refused in words, chosen again"])
    panel = executed.panel(CELL)
    panel.renew()
    start = panel.at_rest()
    choice = panel.output.locator("select")

    def upload(name, content=None):
        path = tmp_path / name
        if content is None:
            Image.new("RGB", (300, 200), "orange").save(path)
        else:
            path.write_bytes(content)
        with executed.page.expect_file_chooser() as chooser:
            panel.output.locator(".widget-upload, .jupyter-widget-upload").click()
        chooser.value.set_files(path)
        return panel.at_rest()

    orange = upload("orange.png")
    assert orange.picture != start.picture
    assert choice.evaluate("select => select.selectedOptions[0].text") == MINE

    refused = upload("letter.png", b"Dear reader,")
    assert refused.picture == orange.picture
    message = panel.output.locator("[role=alert]").inner_text()
    assert "letter.png" in message
    assert "The picture before it stays." in message

    choice.select_option(index=0)
    assert panel.at_rest().picture == start.picture
    choice.select_option(label=MINE)
    assert panel.at_rest().picture == orange.picture
    assert panel.output.locator("[role=alert]").count() == 0
